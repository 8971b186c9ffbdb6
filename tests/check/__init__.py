"""`flask altdentifier check`, module by module."""
