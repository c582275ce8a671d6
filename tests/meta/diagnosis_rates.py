"""How often a diagnosis is right: of drawn layers, and drawn combinations of conventions and mistakes.

    python tests/meta/diagnosis_rates.py [COUNT] [SEED] [SECONDS]

prints, by cell: unique and right, ambiguous and right, wrong; hypotheses a second, the longest search, the memory.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from comparisons.diagnosis import Diagnosis, mistakes
from comparisons.diagnosis.axes import CELLS
from comparisons.diagnosis.data import Given
from comparisons.diagnosis.precision import Precision
from comparisons.diagnosis.space import Space
from reference import Layer, steps

RIGHT, AMBIGUOUS, WRONG = "unique and right", "ambiguous and right", "wrong"


@dataclass(frozen=True, eq=False)
class Drawn:
    """A right layer, and what a wrong one gave: `chosen` on the axes of the space around the layer."""

    layer: Layer
    x: np.ndarray
    outputs: np.ndarray
    initial: tuple | None
    chosen: dict
    wrong: Layer
    given: Given

    def answers(self, layer: Layer, chosen: dict, x: np.ndarray) -> np.ndarray:
        """What a realised layer gives on other inputs, laid out as the outputs are; from zeros, or, where a state was
        given, from a drawn one."""
        given = replace(self.given, x=x, initial=None)
        if self.initial is not None:
            draw, rows = np.random.default_rng(3), len(given.inputs(chosen))
            states = (draw.normal(size=(max(x.shape), field.shape[-1])) for field in self.initial)
            given = replace(given, initial=tuple(field[:rows] for field in states))
        outputs = given.run(layer, chosen).outputs
        outputs = outputs[:, ::-1] if chosen["time"][1] else outputs
        if self.given.last:
            return outputs[:, -1]
        return outputs.swapaxes(0, 1) if chosen["laid out"][1] else outputs


def layer(draw: np.random.Generator, cell: str, X: int, H: int) -> Layer:
    """A layer of asymmetric weights."""
    gates = {"gru": 3, "simple_rnn": 1}.get(cell, 4)
    normal = lambda *shape: draw.normal(size=shape) / (2 if len(shape) == 1 else np.sqrt(X + H))
    options: dict = {}
    if cell != "simple_rnn":
        options["recurrent_activation"] = str(draw.choice(["sigmoid", "hard_sigmoid_keras2", "hard_sigmoid_keras3"]))
    if cell == "gru":
        options["reset_after"] = bool(draw.integers(2))
    if cell in ("lstm", "peephole_lstm") and draw.integers(3) == 0:
        options["forget_bias"] = 1.0
    arrays = {"kernel": normal(X, gates * H), "recurrent_kernel": normal(H, gates * H)}
    biases = int(draw.integers(3))
    if biases:
        arrays["bias"] = normal(gates * H)
    if biases == 2:
        arrays["recurrent_bias"] = normal(gates * H)
    if cell == "peephole_lstm":
        arrays["peephole"] = normal(3 * H)
    weights = steps.weights_type(cell)(**{name: a.astype("float32") for name, a in arrays.items()})
    return Layer(cell, weights, options)


def drawn(seed: int, cell: str | None = None, most: int = 4) -> Drawn:
    """A layer, inputs and a combination of at most so many differences, and what it gives in float32."""
    draw = np.random.default_rng(seed)
    cell = cell or str(draw.choice(CELLS))
    X, H, B, T = (int(draw.integers(low, high)) for low, high in ((1, 7), (1, 9), (1, 4), (1, 8)))
    right = layer(draw, cell, X, H)
    x = draw.normal(size=(B, T, X)).astype("float32")
    initial, last, decimals = None, draw.integers(4) == 0, draw.integers(4) == 0
    if draw.integers(4) == 0:
        initial = tuple(draw.normal(size=(B, H)).astype("float32") for _ in steps.module(cell).State._fields)
    blank = Given(x, np.zeros((B, H) if last else (B, T, H)), Precision("float32", 0.0, ""), initial)
    space = Space.around(right, blank.sizes)
    differences = int(draw.integers(min(most, 3 if initial or last else most) + 1))
    row = list(space.own)
    open_axes = [k for k, choices in enumerate(space.choices) if len(choices) > 1 and space.axes[k].name != "laid out"]
    for k in draw.permutation(open_axes)[:differences]:
        row[k] = int(draw.choice([c for c in range(len(space.choices[k])) if c != space.own[k]]))
    chosen = space.chosen(row)
    wrong = space.realised(row)
    found = Drawn(right, x, x, initial, chosen, wrong, blank)
    outputs = blank.run(wrong, chosen, "float32").outputs
    outputs = outputs[:, ::-1] if chosen["time"][1] else outputs
    outputs = outputs[:, -1] if last else outputs
    outputs = np.round(outputs, 4) if decimals else outputs
    return replace(found, outputs=outputs)


def judged(case: Drawn, found: Diagnosis) -> str:
    """Whether a diagnosis is right: the wrong layer's function is the one that is named, or one of those that are."""
    draw = np.random.default_rng(99)
    x = draw.normal(size=(30, 8, case.layer.input_dim)) * 2
    truth = case.answers(case.wrong, case.chosen, x)
    same = []
    for one in found.explanations:
        theirs = case.answers(one.layer, dict(one.chosen), x)
        with np.errstate(invalid="ignore"):
            same.append(
                theirs.shape == truth.shape and bool(np.allclose(theirs, truth, rtol=1e-9, atol=1e-9, equal_nan=True))
            )
    if found.verdict == "ambiguous":
        apart = sum(same) < len(same)  # not all of them are the function
        return (
            AMBIGUOUS if apart and (any(same) or found.more) and all(one.fits for one in found.explanations) else WRONG
        )
    return RIGHT if found.verdict == "unique" and all(same) else WRONG


def main(count: int = 200, first: int = 0, seconds: int = 10**6) -> int:
    counts: dict[str, Counter] = {cell: Counter() for cell in CELLS}
    tried, spent, longest = 0, 0.0, 0.0
    begun = time.monotonic()
    for seed in range(first, first + count):
        if time.monotonic() - begun > seconds:
            break
        case = drawn(seed)
        start = time.process_time()
        found = mistakes(case.layer, case.x, case.outputs, initial_state=case.initial)
        took = time.process_time() - start
        tried, spent, longest = tried + found.tried, spent + took, max(longest, took)
        verdict = judged(case, found)
        counts[case.layer.cell][verdict] += 1
        if verdict == WRONG:
            own = Space.around(case.layer, case.given.sizes)
            differs = {name: c for name, c in case.chosen.items() if c != own.chosen(own.own)[name]}
            print(f"wrong: seed {seed}, {case.layer.cell}, {differs}: {found.verdict}, {found.searched}")
    for cell, verdicts in counts.items():
        print(f"{cell}: " + ", ".join(f"{verdicts[name]} {name}" for name in (RIGHT, AMBIGUOUS, WRONG)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{tried / spent:,.0f} hypotheses a second of CPU; the longest search {longest:.1f} s; {memory:.0f} MiB at most"
    )
    return int(any(verdicts[WRONG] for verdicts in counts.values()))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
