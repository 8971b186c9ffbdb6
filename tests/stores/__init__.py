"""The stores: one suite for all of them, and what each has of its own."""
