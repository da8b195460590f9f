"""What the registry is rendered to: python, yaml, hiera, puppet-module, template, page."""
