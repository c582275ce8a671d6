"""What is compared (cases), on what (draws), how far apart (measure), how far is allowed (bounds), and what must be
rejected (mutants). `run` puts them together; nothing here draws or prints."""
