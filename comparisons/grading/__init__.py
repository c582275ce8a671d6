"""Grading somebody's own implementation against the oracle: the cases, the programs that answer them, the verdict."""
