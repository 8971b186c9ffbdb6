"""The docs: the code on every page runs, and names and tables agree with the package."""
