"""Tests of `flask altdentifier check`."""
