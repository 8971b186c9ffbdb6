"""OAuth 2.0 with Authlib's `AuthorizationServer`."""
