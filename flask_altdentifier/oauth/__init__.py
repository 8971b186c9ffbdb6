"""The OAuth 2.0 client of RFC 6749. Knows nothing of Flask."""
