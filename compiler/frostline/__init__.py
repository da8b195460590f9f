"""frostline: a declarative config compiler that freezes service discovery into a static registry."""

__version__ = "0.2.0"
