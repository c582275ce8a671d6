"""A Python function as a program of the protocol: it runs in a process of its own, and needs NumPy alone.

Whatever a file does to this process, the grading is done in another.
"""


class Unfit(Exception):
    """What is wrong with the function or with what it gave, in one sentence."""
