"""Bank files: what stands in them, in every format that weights come in."""
