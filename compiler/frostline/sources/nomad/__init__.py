"""The source `nomad`."""
