"""HTTP requests to AltDentifier. Imports neither Flask nor the OAuth client."""
