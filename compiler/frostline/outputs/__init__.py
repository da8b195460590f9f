"""What the registry is rendered to: python, yaml, hiera, template."""
