"""The OAuth 2.0 client of RFC 6749. It does not import Flask."""
