"""Where the time goes: what each part of a request costs, and whose it is."""
