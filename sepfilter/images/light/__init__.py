"""Linear light: tone curves, and images decoded and encoded by them."""
