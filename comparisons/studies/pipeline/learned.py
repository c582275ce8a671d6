"""Whether a network learns to ignore padding: trained with it behind or before, and judged at other lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.part import SPREAD, Part, spread_rows, with_spread
from comparisons.studies.pipeline.networks import MASKED, trained
from comparisons.studies.pipeline.padding import by_cell, listed
from comparisons.studies.pipeline.sentences import arrays, split
from comparisons.studies.pipeline.sizes import LONGEST, Sizes
from comparisons.studies.work import Piece, Work

CHANCE = 0.5
PAPER = {"length": 93, "pre": 0.80, "post": 0.50}  # an LSTM's accuracy on the test set, rounded as it is cited
SOURCE = "Dwarampudi & Reddy 2019, Effects of padding on LSTMs and CNNs, arXiv 1903.07288 v1 (rounded)"


def judged(cell: str, units: int, training: str, length: int, epochs: int, at: list[int], seed: int) -> dict[str, Any]:
    """Right decisions of a network trained on sentences padded to `length`: alone, so padded, and `at` other lengths.

    A network that was trained with a mask is judged with one.
    """
    network = trained(cell, units, training, length, epochs, seed)
    test = split(seed)[1]
    masked = training == MASKED

    def right(length: int, where: str, mask: bool) -> float:
        tokens, classes = arrays(test, length, where)
        return network.right(network.states(tokens, tokens > 0 if mask else None)[:, -1], classes)

    where = "post" if masked else training
    return {
        "alone": right(LONGEST, where, True),
        "own": right(length, where, masked),
        "at": [right(to, where, masked) for to in at],
    }


def learned(work: Work, sizes: Sizes) -> Part:
    """The share of right decisions over the length that sentences are padded to."""
    trainings = [(MASKED, LONGEST), *((where, length) for where in ("pre", "post") for length in sizes.lengths)]
    pieces = {
        (cell, training, length, n): Piece(
            judged,
            {
                "cell": cell,
                "units": sizes.units,
                "training": training,
                "length": length,
                "epochs": sizes.epochs,
                "at": list(sizes.judged),
                "seed": work.seed + n,
            },
        )
        for cell in sizes.cells
        for training, length in trainings
        for n in range(sizes.seeds)
    }
    runs = work.each({f"trained: {', '.join(map(str, key))}": piece for key, piece in pieces.items()})
    by: dict[tuple[str, str, int], list[Any]] = {}
    for (cell, training, length, _), run in zip(pieces, runs.values(), strict=True):
        by.setdefault((cell, training, length), []).append(run)
    rows, table, found = [], [], {}
    longest = sizes.judged[-1]
    for (cell, training, length), of in by.items():
        values = {name: np.array([run[name] for run in of]) for name in ("alone", "own", "at")}
        rows += spread_rows((cell, training, length), sizes.judged, values["at"])
        far = values["at"][:, -1]
        found[f"{cell}, {training}, {length}"] = {
            "own": float(np.median(values["own"])),
            "alone": float(np.median(values["alone"])),
            f"at {longest}": float(np.median(far)),
            "seeds that learned it": int((values["own"] > 0.95).sum()),
        }
        table.append(
            (
                cell,
                training if training == MASKED else f"{training}, {length}",
                with_spread(values["own"]),
                with_spread(values["alone"]),
                with_spread(far),
                str(int((values["own"] > 0.95).sum())),
            )
        )
    if "LSTM" in sizes.cells:
        said = lambda where: f"about {PAPER[where]:.2g}"
        table += [
            ("LSTM of the paper", f"{where}, {PAPER['length']}", said(where), "–", "–", "–")
            for where in ("pre", "post")
        ]
    return Part(
        "learned",
        "Does a network learn to ignore padding?",
        f"{sizes.units} units, {sizes.seeds} seeds, {sizes.epochs} epochs",
        ("cell", "training", "trained_length", "padded_to", *SPREAD),
        rows,
        (
            "cell",
            "trained with",
            "right, padded so",
            "alone",
            f"padded to {longest}",
            f"of {sizes.seeds} seeds over 0.95",
        ),
        table,
        found,
        _says(found, sizes),
        source=SOURCE,
    )


def _says(found: dict[str, Any], sizes: Sizes) -> str:
    """The paragraph; what it claims is chosen by the numbers."""
    near, far, longest = sizes.lengths[0], sizes.lengths[-1], sizes.judged[-1]
    of = lambda cell, training, length: found[f"{cell}, {training}, {length}"]
    each = lambda training, length, what: by_cell({cell: of(cell, training, length)[what] for cell in sizes.cells})
    lost = [cell for cell in sizes.cells if of(cell, "post", far)["own"] < 0.75]
    verdict = (
        f"with {far - LONGEST} and more steps of padding for the gradient to come through, {listed(lost)} "
        f"{'is' if len(lost) == 1 else 'are'} near chance ({CHANCE})"
        if lost
        else f"none is near chance ({CHANCE})"
    )
    can = [cell for cell in sizes.cells if of(cell, "post", near)["own"] > 0.9]
    there = lambda what: by_cell({cell: of(cell, "post", near)[what] for cell in can})
    elsewhere = (
        f"Of what was learned with padding to {near} behind, {there('alone')} is right when the sentence comes alone, "
        f"and {there(f'at {longest}')} when it is padded to {longest}. "
        if can
        else ""
    )
    return (
        f"With a mask {each(MASKED, LONGEST, 'own')} of the decisions on held-out sentences are right, to whatever "
        f"they are padded. Without one, trained and judged with padding to {near}, {each('pre', near, 'own')} with "
        f"the padding before and {each('post', near, 'own')} behind; with padding to {far}, {each('pre', far, 'own')} "
        f"before and {each('post', far, 'own')} behind: {verdict}. {elsewhere}Dwarampudi and Reddy "
        f"found about {PAPER['pre']:.2g} (pre) and {PAPER['post']:.2g} (post) for an LSTM, on tweets padded to "
        f"{PAPER['length']}."
    )
