"""The package agrees with the model, whatever users, thieves and slow requests do."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .model import Model

#: How many stories are played. Set `INVARIANTS_EXAMPLES` to search for longer.
EXAMPLES = int(os.environ.get("INVARIANTS_EXAMPLES", "60"))
#: To make a story that failed short takes minutes: ask for it with `INVARIANTS_SHRINK=1`.
PHASES = [Phase.generate, Phase.shrink][: 1 + ("INVARIANTS_SHRINK" in os.environ)]


def test_model() -> None:
    """No story breaks an invariant."""
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
