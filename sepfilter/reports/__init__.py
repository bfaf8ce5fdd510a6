"""Reports made from values alone: text for people, JSON for programs."""
