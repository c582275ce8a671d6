"""Why two answers differ: which conventions, or which mistakes, explain outputs that somebody got.

`mistakes` asks it of a right layer and the outputs of somebody's implementation; `gateproof diagnose` of arrays that
were read in a wrong way. Both search the same space (`axes`).
"""

from comparisons.diagnosis.diagnosing import mistakes
from comparisons.diagnosis.found import Departure, Diagnosis, Difference, Explanation

__all__ = ["Departure", "Diagnosis", "Difference", "Explanation", "mistakes"]
