"""The words of the choices that mean the same whatever was expected instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Words(NamedTuple):
    said: str  # third person
    yours: str  # second person
    found: str = ""  # of the arrays, and of what computed the outputs, where that is not `said`


FIXED: Mapping[tuple[str, Any], Words] = {
    ("kernel", "cudnn"): Words(
        "the kernel is read in cuDNN's memory layout",
        "you read the kernel in cuDNN's memory layout",
        "each gate's kernel is stored in cuDNN's memory layout",
    ),
    ("units", "reversed"): Words(
        "the rows of the recurrent kernel are reversed",
        "the rows of your recurrent kernel are reversed",
        "the rows of the recurrent kernel are stored in reversed order",
    ),
    ("biases", "none"): Words("the biases are left out", "you leave out the biases", "the biases are not used"),
    ("biases", "first"): Words(
        "the recurrent bias is left out", "you leave out the recurrent bias", "only the first of the two biases is used"
    ),
    ("biases", "second"): Words(
        "the input bias is left out", "you leave out the input bias", "only the second of the two biases is used"
    ),
    ("biases", "exchanged"): Words(
        "the bias of the inputs is that of the recurrence, and the reverse",
        "your bias of the inputs is that of the recurrence, and the reverse",
        "the bias beside x W is stored where the one beside h U is, and the reverse",
    ),
    ("biases", "candidate's second dropped"): Words(
        "the candidate's recurrent bias is left out",
        "you leave out the candidate's recurrent bias",
        "the candidate's recurrent bias is not used",
    ),
    ("biases", "outside r"): Words(
        "the two biases are merged, so that r does not multiply the candidate's recurrent bias",
        "you merge the two biases, and r must multiply the candidate's recurrent bias",
        "the two biases are added up, the candidate's outside r",
    ),
    ("reset", True): Words(
        "the reset is after the matmul instead of before",
        "you reset after the matmul, and must reset before",
        "the reset is after the matmul (reset_after=True)",
    ),
    ("reset", False): Words(
        "the reset is before the matmul instead of after",
        "you reset before the matmul, and must reset after",
        "the reset is before the matmul (reset_after=False)",
    ),
    ("polarity", "turned"): Words(
        "the update gate is the other way round: z = 1 takes the new state",
        "your update gate is the other way round: z = 1 must keep the old state",
    ),
    ("input", "1 - f"): Words(
        "the input gate is 1 - f", "your input gate is 1 - f", "the input gate is 1 - f (coupled)"
    ),
    ("forget", "none"): Words("there is no forget gate: c = c + i g", "you leave out the forget gate"),
    ("forget", "1 - i"): Words(
        "the forget gate is 1 - i", "your forget gate is 1 - i", "the forget gate is 1 - i (coupled)"
    ),
    ("output", "old c"): Words("h is made of the old c", "you compute h from the old c"),
    ("output", "c"): Words("the outputs are c instead of h", "you return c instead of h", "the outputs are c, not h"),
    ("output", "exchanged"): Words("h and c are exchanged at every step", "you exchange h and c at every step"),
    ("peeping", "o"): Words("the output gate's peephole sees the old c", "your output gate's peephole sees the old c"),
    ("peeping", "if"): Words("the peepholes of i and f see the new c", "your peepholes of i and f see the new c"),
    ("clip", "left out"): Words("the cell clip is left out", "you leave out the cell clip", "c is not clipped"),
    ("clip", "after the output"): Words(
        "c is clipped after the output was made of it",
        "you clip c after you made h of it",
        "c is clipped after h was made of it",
    ),
    ("clip", "not stored"): Words("the clipped c is not the one that is kept", "you do not keep the clipped c"),
    ("projection", "before o"): Words("the projection is before the output gate", "you project before the output gate"),
    ("projection", "clip left out"): Words(
        "the projection's clip is left out", "you leave out the projection's clip", "the projection is not clipped"
    ),
    ("carried", "half way"): Words(
        "the state is dropped half way through the sequence", "you drop the state half way through the sequence"
    ),
    ("carried", "never"): Words(
        "the state is not carried from step to step",
        "you do not carry the state from step to step",
        "every step begins with zeros",
    ),
}
