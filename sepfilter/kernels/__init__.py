"""What a kernel is: its value, its names and notations, and its factors."""
