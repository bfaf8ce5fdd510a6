"""Contact sheets: all channels of an image side by side in one grey picture, for people to look at."""
