"""Tests of `flask_altdentifier/browser/`: cookies, sessions, pending logins. No browsers run."""
