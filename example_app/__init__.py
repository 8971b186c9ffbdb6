"""Gatehouse, the example app of flask-altdentifier. Run it with `python -m example_app`."""

from .app import create_app as create_app
