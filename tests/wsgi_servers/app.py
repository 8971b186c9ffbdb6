"""The app that every server runs, with the default store."""

from __future__ import annotations

import os

from ..invariants.app import create_app

application = create_app(
    {
        "ALTDENTIFIER_BASE_URL": os.environ["BASE_URL"],
        "ALTDENTIFIER_TIMEOUT": int(os.environ["TIMEOUT"]),
    }
)
application.instance_path = os.environ["INSTANCE_FOLDER"]
