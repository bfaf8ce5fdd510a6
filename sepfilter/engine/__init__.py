"""Doing what a plan says: strips of rows through the passes, then the output map."""
