"""Pixels from and to files, with what they mean: colour, opacity, orientation, profile."""
