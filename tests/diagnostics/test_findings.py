"""The table of problems."""

from __future__ import annotations

from pathlib import Path

import flask_altdentifier.diagnostics
from flask_altdentifier.diagnostics.findings import PROBLEMS


def test_each_code_has_texts_and_is_used_and_tested() -> None:
    package = Path(flask_altdentifier.diagnostics.__file__).parent
    sources = [path for path in package.glob("*.py") if path.name != "findings.py"]
    used = "".join(path.read_text() for path in sources)
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*"))
    for code, problem in PROBLEMS.items():
        assert problem.level in {"error", "warning"}
        assert all("\n" not in text and text for text in problem[1:])
        assert problem.title.endswith((".", ": {cause}", "{error}")), code
        assert f'"{code}"' in used
        assert f'"{code}"' in tests
