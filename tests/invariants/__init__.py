"""Tests that search for a way to break one of the seven invariants, on real backends."""
