"""The only room that runs queries."""
