"""Searches for inputs that break the package: `python -m fuzz --seconds 60`.

Each target makes inputs from a seeded random source, and compares what the package makes of them
with a second opinion: a browser's URL parser, another reader of forms, cookies or JSON.
"""
