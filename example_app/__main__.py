"""`python -m example_app`: run the app and a sandbox beside it.

It is `flask --app example_app altdentifier dev`, with the same options.
"""

from __future__ import annotations

import sys

from flask.cli import FlaskGroup

FlaskGroup().main(
    ["--app", "example_app", "altdentifier", "dev", *sys.argv[1:]],
    prog_name="python -m example_app",
)
