"""Every page of the docs works as it is written."""
