"""Renders the registry as files: python, yaml, hiera, puppet-module, template, page."""
