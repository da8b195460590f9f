"""Reading a configuration: YAML to values that know their place."""
