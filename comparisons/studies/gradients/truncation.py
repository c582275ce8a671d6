"""How far a truncated gradient points where the exact one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from comparisons.studies.gradients.models import (
    ELMAN,
    GRU,
    LSTM_0,
    LSTM_1,
    LSTM_2,
    LSTM_1997,
    Model,
    Sizes,
    generator,
    settings,
    steps_back,
)
from comparisons.studies.gradients.problems import Problem, cosine, flat, problem
from comparisons.studies.part import SPREAD, Array, Part, Progress, spread_rows, with_spread

EXPLODING = "Elman, exploding"  # its recurrent kernel twice as large
TRUNCATED: dict[str, tuple[Model, float]] = {
    **{model.name: (model, 1.0) for model in (ELMAN, GRU, LSTM_0, LSTM_1, LSTM_2, LSTM_1997)},
    EXPLODING: (ELMAN, 2.0),
}
LAST, CHOPPED = "loss of the last step, k steps back", "chopped into stretches of k"
COSINE_1997, LENGTH_1997 = "1997, by lag: cosine", "1997, by lag: length"


def by_lag(p: Problem, *, cut: bool = False) -> Iterator[Array]:
    """What step T−k adds, for k = 0, 1, …, to the weights' gradient of the last step's loss: one vector each.

    Their sum is `p.gradient()` of that loss alone. With `cut`, gradients go along the cell state alone (1997).
    """
    nothing = p.run.state._make(map(np.zeros_like, p.run.state))
    x = p.run.given.x
    for t, _, messages in steps_back(p.layer, p.run, nothing._replace(h=p.d_outputs[:, -1]), cut=cut):
        of_recurrent = np.concatenate([h.T @ δ for h, δ in messages["recurrent_kernel"]], axis=1)
        yield flat([x[:, t].T @ messages["xw"], of_recurrent, messages["xw"].sum(axis=0)])


def over_truncation(sizes: Sizes, seed: int, progress: Progress) -> Part:
    """The cosine between truncated and exact gradient: of k steps back, of a chopped sequence, of 1997 by lag."""
    batch, steps, units = sizes.truncation_shape
    windows, k = sizes.windows, steps // 8
    rows, table, found = [], [], {}
    for name, (model, scale) in TRUNCATED.items():
        progress(f"truncation: {name}", 1)
        curves: dict[str, list[Any]] = {}
        whole, whole_length = [], []
        for n in range(sizes.seeds):
            p = problem(model, "tanh", sizes.truncation_shape, generator(seed, 5, n), scale)
            exact = flat(p.gradient())
            sums = np.cumsum(added := np.array(list(by_lag(p))), axis=0)
            curves.setdefault(LAST, []).append([cosine(sums[over - 1], sums[-1]) for over in windows])
            chopped = [cosine(flat(p.gradient(truncation=(over, over))), exact) for over in windows]
            curves.setdefault(CHOPPED, []).append(chopped)
            if "LSTM" in name:
                along = list(by_lag(p, cut=True))
                lengths = [np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(along, added, strict=True)]
                curves.setdefault(COSINE_1997, []).append([cosine(a, b) for a, b in zip(along, added, strict=True)])
                curves.setdefault(LENGTH_1997, []).append(lengths)
                of_1997 = flat(p.gradient(truncation="1997"))
                whole.append(cosine(of_1997, exact))
                whole_length.append(np.linalg.norm(of_1997) / np.linalg.norm(exact))
        for of, values in curves.items():
            rows += spread_rows((name, of), range(steps) if "lag" in of else windows, values)
        shown = [with_spread(np.array(curves[of])[:, windows.index(k)]) for of in (LAST, CHOPPED)]
        table.append((name, *shown, with_spread(whole) if whole else "–"))
        medians = {of: np.median(values, axis=0) for of, values in curves.items()}
        found[name] = {
            **{of: float(medians[of][windows.index(k)]) for of in (LAST, CHOPPED)},
            **{f"{of}, lag {lag}": float(medians[of][lag]) for of in medians if "lag" in of for lag in _shown(steps)},
            **({"1997, all": float(np.median(whole))} if whole else {}),
        }
    return Part(
        "truncation",
        "What truncation leaves",
        settings(units, steps, sizes.seeds, f"{batch} sequences, "),
        ("model", "of", "steps", *SPREAD),
        rows,
        ("network, tanh", f"{LAST}, k = {k}", f"{CHOPPED}, k = {k}", "1997 truncation"),
        table,
        found,
        _says(found, steps, k),
    )


def _shown(steps: int) -> tuple[int, int]:
    return steps // 16, steps // 4


def _says(found: dict[str, Any], steps: int, k: int) -> str:
    near, far = _shown(steps)
    one = found[LSTM_1.name]
    at = lambda name, of: f"{found[name][of]:.2f}"
    alone = lambda model: f"{found[model.name]['1997, all']:.2f}"
    lag = lambda of, steps: f"{one[f'{of}, lag {steps}']:.2g}"
    return (
        f"Gone back {k} of {steps} steps from the last loss, the gradient is close to the exact one where gradients "
        f"vanish anyway (cosine {at(ELMAN.name, LAST)} for an Elman network, {at(LSTM_1.name, LAST)} for an LSTM with "
        f"forget bias 1): there was little to cut, which is not the same as little to learn. Where they reach further "
        f"it is another gradient: {at(LSTM_2.name, LAST)} with forget bias 2, {at(LSTM_1997.name, LAST)} for the LSTM "
        f"of 1997, and {at(EXPLODING, LAST)} for an Elman network with twice the recurrent kernel, whose exact "
        f"gradient is made far back. With a loss at every step, and the sequence in stretches of {k}, it is "
        f"{at(LSTM_1.name, CHOPPED)} with forget bias 1 and {at(LSTM_2.name, CHOPPED)} with 2. The truncation of "
        f"1997, along the cell state alone, keeps a cosine of {alone(LSTM_1)} with forget bias 1, {alone(LSTM_2)} "
        f"with 2, and {alone(LSTM_1997)} for the LSTM of 1997 itself. Lag by lag, with forget bias 1, it keeps "
        f"{lag(LENGTH_1997, near)} of the length at a cosine of {lag(COSINE_1997, near)} at lag {near}, and "
        f"{lag(LENGTH_1997, far)} at {lag(COSINE_1997, far)} at lag {far}: what comes from far back comes through h, "
        f"which it cuts."
    )
