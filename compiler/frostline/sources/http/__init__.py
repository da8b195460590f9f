"""HTTP requests to live sources."""
