"""The package agrees with the model, whatever users, attackers and slow requests do."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .model import Model

#: Stories that are played. Set `INVARIANTS_EXAMPLES` to search for longer.
EXAMPLES = int(os.environ.get("INVARIANTS_EXAMPLES", "60"))
#: To shorten a story that failed takes minutes: set `INVARIANTS_SHRINK=1`.
PHASES = [Phase.generate, Phase.shrink][: 1 + ("INVARIANTS_SHRINK" in os.environ)]


def test_no_story_breaks_an_invariant() -> None:
    run_state_machine_as_test(
        Model,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            database=None,
            deadline=None,
            phases=PHASES,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
