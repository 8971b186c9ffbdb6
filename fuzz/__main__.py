"""`python -m fuzz [--seconds N] [--seed N] [TARGET ...]`. Exit 1 where something breaks."""

from __future__ import annotations

import argparse
import logging
import secrets
import sys

from . import targets
from .run import run


def main() -> int:
    """Run each target in turn."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("target", nargs="*", choices=[*targets.TARGETS, []])
    options = parser.parse_args()
    logging.disable()
    broken = False
    for name in options.target or targets.TARGETS:
        outcome = run(targets.TARGETS[name](), seconds=options.seconds, seed=options.seed)
        print(f"{name}, seed {options.seed}: {outcome}")
        broken |= outcome.error is not None
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
