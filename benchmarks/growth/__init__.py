"""As it grows: what logins and requests ask of Redis, of AltDentifier and of the workers."""
