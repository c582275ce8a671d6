"""What the learning curves say, and how far two ways of the same bias come apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.forget_bias.curves import ADDED, BIASES, CLOSED, LAG, NONE, UNIT, Training, filled, kept
from comparisons.studies.forget_bias.same import DECAY, DECAYED, DIGIT, DOUBLE, SHOWN, SINGLE, Pair
from comparisons.studies.judging import TEST
from comparisons.studies.part import SPREAD, Part, short, spread_rows, with_spread

CHANCE = 0.375  # the mean error of an answer of a quarter to each of four classes
PAPERS = (
    "Jozefowicz, Zaremba & Sutskever, ICML 2015, table 1 (best accuracy); Gers, Schmidhuber & Cummins, Neural "
    "Computation 12:2451–2471, 2000 (forget biases of 0.5, 1, 1.5 and 2); Tallec & Ollivier, "
    "ICLR 2018 (biases for the lag)"
)

JOZEFOWICZ = (
    "Jozefowicz, Zaremba & Sutskever, who advise a bias of 1 for every LSTM, found a best accuracy of 0.902 with it "
    "and 0.892 without on arithmetic, and 0.444 and 0.425 on XML."
)


def read_curves(asked: Training, found: dict[tuple[int, str], list[dict[str, Any]]]) -> Part:
    """Mean error over the sequences, a curve for each lag and bias."""
    windows = asked.most // asked.window
    along = [asked.window * (k + 1) for k in range(windows)]
    rows, table = [], []
    for (lag, bias), networks in found.items():
        rows += spread_rows((lag, bias), along, [filled(one["errors"], windows) for one in networks])
        starts = BIASES[bias].starts(lag)
        solved = [one["sequences"] for one in networks if one["solved"]]
        table.append(
            (
                str(lag),
                bias,
                f"{starts:.2g}",
                short(kept(starts, lag)),
                with_spread([one["errors"][-1] for one in networks]),
                f"{len(solved)} of {len(networks)}",
                f"{np.median(solved):,.0f}" if solved else "–",
                str(max((one["wrong"] for one in networks if one["solved"]), default="–")),
            )
        )
    numbers: dict[str, Any] = {
        f"lag {lag}, {bias}": {
            "starts": BIASES[bias].starts(lag),
            "kept over the lag": kept(BIASES[bias].starts(lag), lag),
            "solved": sum(one["solved"] for one in networks),
            "networks": len(networks),
            "sequences": [one["sequences"] for one in networks if one["solved"]],
            "last error": float(np.median([one["errors"][-1] for one in networks])),
            "wrong": [one["wrong"] for one in networks],
            "wrong with what is stored alone": [one["stored_alone"] for one in networks],
        }
        for (lag, bias), networks in found.items()
    }
    return Part(
        "curves",
        "What the first forget bias decides",
        f"LSTM of {asked.units} units, {asked.seeds} seeds, up to {asked.most:,} sequences, batches of {asked.batch}, "
        f"Adam at {asked.rate:g}",
        ("lag", "bias", "sequences", *SPREAD),
        rows,
        ("lag", "bias", "starts at", "σ(bias)^lag", "last error", "solved", "after sequences", f"most wrong of {TEST}"),
        table,
        numbers,
        _says_curves(asked, found, numbers),
        PAPERS,
    )


def _says_curves(asked: Training, found: dict[tuple[int, str], Any], numbers: dict[str, Any]) -> str:
    sentences = [
        "An LSTM that has not learned anything yet forgets by its bias: of a state, σ(b)^lag is left, and as much of "
        "the gradient's straight way back."
    ]
    for lag in dict.fromkeys(lag for lag, _ in found):
        of = {bias: numbers[f"lag {lag}, {bias}"] for at, bias in found if at == lag}
        each = ", ".join(
            f"{bias} {one['solved']} of {one['networks']} ({short(one['kept over the lag'])} is left)"
            for bias, one in of.items()
        )
        sentences.append(f"At lag {lag}, with at most {asked.most:,} sequences, solve it: {each}.")
        if {NONE.name, UNIT.name, ADDED.name, LAG.name} <= of.keys():
            none, best = of[NONE.name]["solved"], of[LAG.name]["solved"]
            one = max(of[UNIT.name]["solved"], of[ADDED.name]["solved"])
            sentences.append(
                "Nobody learns it by a forget bias."
                if not max(none, one, best)
                else "A bias of 1 is no better there than none, and the logarithm of the lag is."
                if one <= none < best
                else "A bias of 1 helps there, and the logarithm of the lag helps more."
                if none < one < best
                else "A bias of 1 is enough there."
                if none < one
                else ""
            )
            if CLOSED.name in of and of[CLOSED.name]["solved"] > max(none, one, best):
                sentences.append(
                    "With an input gate that begins as nearly closed it is learned: what keeps a state for long also "
                    "gathers all that comes in."
                )
    sentences.append(JOZEFOWICZ)
    for lag, bias in found:
        one = numbers[f"lag {lag}, {bias}"]
        if bias == ADDED.name and one["solved"]:
            sentences.append(
                f"What was added at run time is in no file: read without it, the networks that had it at lag {lag} get "
                f"{with_spread(one['wrong with what is stored alone'])} of {TEST} wrong instead of "
                f"{with_spread(one['wrong'])}."
            )
    return " ".join(dict.fromkeys(filter(None, sentences)))  # once where it is so at two lags


def read_same(asked: Pair, found: dict[str, list[dict[str, Any]]]) -> Part:
    """How far the weights and outputs are apart after so many updates, and the bias of each."""
    rows = [
        row
        for condition, networks in found.items()
        for of in ("weights", "outputs", "stored", "added")
        for row in spread_rows((condition, of), asked.updates, [one[of] for one in networks])
    ]
    at = lambda condition, of, k: [one[of][k] for one in found[condition]]
    shown = [k for k, updates in enumerate(asked.updates) if updates in (1, 10, 100)] + [len(asked.updates) - 1]
    table = [
        (condition, of, *(with_spread(at(condition, of, k)) for k in dict.fromkeys(shown)))
        for condition in found
        for of in ("weights", "outputs")
    ]
    numbers = {
        condition: {
            f"{of}, {asked.updates[k]} updates": float(np.median(at(condition, of, k)))
            for of in ("weights", "outputs", "stored", "added")
            for k in range(len(asked.updates))
        }
        for condition in found
    }
    return Part(
        "same",
        "Stored or added: one function, until something looks at the weights",
        f"LSTM of {asked.units} units, lag {asked.lag}, {asked.seeds} seeds, batches of {asked.batch}, "
        f"Adam at {asked.rate:g}",
        ("training", "of", "updates", *SPREAD),
        rows,
        ("training", "largest difference of", *(f"{asked.updates[k]} updates" for k in dict.fromkeys(shown))),
        table,
        numbers,
        _says_same(asked, numbers),
    )


def _says_same(asked: Pair, numbers: dict[str, Any]) -> str:
    last = asked.updates[-1]
    of = lambda condition, what, updates=last: numbers[condition][f"{what}, {updates} updates"]
    sentences = [
        "unit_forget_bias stores a 1 in the bias and learns on from there; forget_bias=1.0 stores a 0 and adds the 1 "
        "at every step. From the same other weights they are one function with one gradient, and one network as far as "
        "numbers go: "
        + ", ".join(
            f"after one update in float64 their weights are {short(of(DOUBLE, 'weights', updates))} apart"
            if not n
            else f"after {updates}, {short(of(DOUBLE, 'weights', updates))}"
            for n, updates in enumerate(dict.fromkeys((1, shown_last(asked, numbers), last)))
        )
        + f"; their outputs of {SHOWN} sequences are {short(of(DOUBLE, 'outputs', 1))} and "
        f"{short(of(DOUBLE, 'outputs'))} apart after 1 and {last}."
    ]
    if SINGLE in numbers:
        sentences.append(
            f"In float32 it is {short(of(SINGLE, 'weights', 1))} at first, and {short(of(SINGLE, 'weights'))} after "
            f"{last}."
        )
    if DIGIT in numbers and of(DIGIT, "weights") > 1e-6:
        sentences.append(
            "It is training that makes a last digit grow, not the bias: two networks that both store it, one with "
            f"another last digit in one weight, are {short(of(DIGIT, 'weights'))} apart after {last} updates. Their "
            "learning curves then compare as those of two seeds do."
        )
    if DECAYED in numbers:
        sentences.append(
            f"Weight decay sees what is stored: at {DECAY:g} it pulls the one bias towards 0 and the other towards 1. "
            f"After {last} updates they are at {of(DECAYED, 'stored'):.2f} and {of(DECAYED, 'added'):.2f}, and the "
            f"difference is there from the first update on ({short(of(DECAYED, 'weights', 1))}). So it is with "
            "whatever else looks at the weights: a norm, a penalty, a file."
        )
    return " ".join(sentences)


def shown_last(asked: Pair, numbers: dict[str, Any]) -> int:
    """After how many updates the weights are still the same but for rounding, in float64."""
    return max(u for u in asked.updates if u and (u == 1 or numbers[DOUBLE][f"weights, {u} updates"] < 1e-9))
