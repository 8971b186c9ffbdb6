"""Outgoing HTTP to AltDentifier. Knows neither Flask nor OAuth."""
