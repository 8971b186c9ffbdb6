"""`python -m example_app`."""

from .serve import main

main()
