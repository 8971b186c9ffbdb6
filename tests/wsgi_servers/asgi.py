"""The app for ASGI servers."""

from __future__ import annotations

from importlib import import_module

from .app import application as wsgi

application = import_module("a2wsgi").WSGIMiddleware(wsgi)
