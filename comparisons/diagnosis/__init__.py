"""Why two answers differ: which conventions, or which mistakes, explain outputs that somebody got.

`mistakes` asks it of a right layer and the outputs of somebody's implementation; `gateproof diagnose` of arrays that
were read in a wrong way. Both search the same space.

- What may differ: `axes` is the table of conventions, `changes` what a choice does to a step, `space` every combination
  around one layer; `words` and `phrases` say them.
- What arrays may be: `readings`, by name or by `shapes`; `relations` tells one reading in terms of another.
- The search: `many` and `evaluate` run thousands at once on the `data`, `search` prunes, `verify` holds what is left to
  ordinary runs, within what `precision` allows; `others` is for cells without axes; `diagnosing` gives the answer.
- What comes out: `found`, and `conversion` as Python. `first_divergence` needs no search.
"""

from comparisons.diagnosis.diagnosing import mistakes
from comparisons.diagnosis.found import Departure, Diagnosis, Difference, Explanation

__all__ = ["Departure", "Diagnosis", "Difference", "Explanation", "mistakes"]
