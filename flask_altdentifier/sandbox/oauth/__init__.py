"""OAuth 2.0 by Authlib's `AuthorizationServer`."""
