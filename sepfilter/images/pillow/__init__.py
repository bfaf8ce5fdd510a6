"""Images that Pillow reads and writes."""
