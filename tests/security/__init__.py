"""The package under attack: hostile providers, hostile browsers, leaks, and the catalogue."""
