"""From names on the command line to the files that are read and written."""
