"""The output `puppet-module`."""
