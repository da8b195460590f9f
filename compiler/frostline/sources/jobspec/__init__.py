"""The source `jobspec`: Nomad job files."""
