"""What a browser carries: our cookies, our entry in its session, and what is cached per request."""
