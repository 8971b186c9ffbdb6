"""The lines of the table."""
