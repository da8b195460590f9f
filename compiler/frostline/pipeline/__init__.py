"""The order of the stages: load, freeze, compile, publish; beside them what looks at their results."""
