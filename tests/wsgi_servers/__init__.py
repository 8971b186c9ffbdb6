"""Whole logins on each WSGI and ASGI server (`tox -e servers`)."""
