"""A path -> Layers: one file a format, all of them behind one guard. Nothing named in a file is imported or run."""
