"""Grading somebody's own implementation against the oracle.

`cases` is what is asked and `catches` which mistakes a case catches; `implementations` finds what is graded, which
runs in `processes` of its own and answers by the `protocol` (a Python function through `python_program`); `judging`
holds the answers to the bound, `grade` gives the verdict and names the mistake. `vectors` are the cases as files.
"""
