"""Whole logins with other people's OAuth servers and clients (`tox -e interop`)."""
