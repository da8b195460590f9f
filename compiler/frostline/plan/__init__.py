"""What publishing would change."""
