"""Attacks, leaks and faults, by topic. `docs/security.md` has the catalogue."""
