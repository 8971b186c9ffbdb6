"""The browser's side of a login: cookies, session, pending logins, and its login."""
