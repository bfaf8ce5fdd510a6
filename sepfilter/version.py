"""The version; the build reads it from here, and `--help` need not look into the metadata."""

__version__ = "0.1.0"
