"""What will be done, decided before any pixel is read: passes, counts, bounds and reasons."""
