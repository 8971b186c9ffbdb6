"""Searches for inputs that break the package: `python -m fuzz --seconds 60`.

Each target makes inputs out of a seeded random source, and checks what the package makes of them
against a second opinion: a browser's URL parser, another reader of forms, another JSON reader.
"""
