"""`python -m fuzz [--seconds N] [--seed N] [TARGET ...]`. Exits with 1 if something breaks."""

from __future__ import annotations

import argparse
import logging
import secrets
import sys

from .run import TARGETS, run

parser = argparse.ArgumentParser(prog="python -m fuzz")
parser.add_argument("--seconds", type=float, default=60, help="for each target")
parser.add_argument("--seed", type=int, default=secrets.randbits(32))
parser.add_argument("target", nargs="*", choices=[*TARGETS, []])
options = parser.parse_args()
logging.disable()
is_broken = False
for name in options.target or TARGETS:
    outcome = run(TARGETS[name](), seconds=options.seconds, seed=options.seed)
    print(f"{name}, seed {options.seed}: {outcome}", flush=True)
    is_broken |= outcome.error is not None
sys.exit(is_broken)
