"""How many held-out reviews each network gets right, beside what knows no order and what knows nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.part import SPREAD, Part, short, spread_rows, with_spread
from comparisons.studies.sentiment.texts import Texts
from comparisons.studies.sentiment.training import OURS, STOCK, Sizes

BAG, MAJORITY = "bag of words", "larger class"
# Movie reviews in Hutto & Gilbert (2014): table 4, and of it the best of table 5, which learned on the other half.
PAPER = {"one human rater": 0.92, "maximum entropy": 0.75, "naive Bayes": 0.75, "VADER": 0.61, "Hu-Liu04": 0.59}
SOURCE = (
    "Hutto & Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text, ICWSM 2014, "
    "tables 4 and 5, movie reviews: F1 of three classes, of which neutral has few reviews"
)


def settings(texts: Texts, sizes: Sizes, networks: dict[str, Any]) -> str:
    """What was trained on what, in a few words."""
    size = next(iter(networks.values()))[0]["sizes"]
    drawn = f", {sizes.texts:,} of {len(texts.words):,}" if len(texts.words) > sizes.texts else ""
    return (
        f"{texts.source}{drawn}: {size['train']:,} for training, {size['held out']:,} held out, {size['words']:,} "
        f"words; {sizes.units} units, {size['length']} steps, {sizes.epochs} epochs, {counted(sizes.seeds)}"
    )


def counted(seeds: int) -> str:
    return f"{seeds} seed{'s' * (seeds > 1)}"


def accuracy_part(texts: Texts, sizes: Sizes, networks: dict[str, Any], bags: list[dict[str, Any]]) -> Part:
    """The curves of every network, stock and ours; the lines beside them."""
    epochs = list(range(1, sizes.epochs + 1))
    rows: list[tuple[Any, ...]] = []
    for name, each in networks.items():
        for whose in (STOCK, OURS):
            for of in ("training loss", "accuracy"):
                rows += spread_rows((name, whose, of), epochs, [one["runs"][whose][of] for one in each])
    for name, of in ((BAG, "accuracy"), (MAJORITY, "majority")):
        rows += spread_rows((name, "", "accuracy"), [0], [[one[of]] for one in bags])
    if texts.snippets:
        rows += [(f"paper: {name}", "", "F1", 0, *3 * [value]) for name, value in PAPER.items()]

    table, found = [], {}
    for name, each in networks.items():
        row = [name]
        for whose in (STOCK, OURS):
            kept = {of: [one["runs"][whose][of][one["kept"]] for one in each] for of in ("accuracy", "F1")}
            last = [one["runs"][whose]["accuracy"][-1] for one in each]
            found[f"{name}, {whose}"] = {of: float(np.median(values)) for of, values in kept.items()}
            found[f"{name}, {whose}"] |= {"last accuracy": float(np.median(last)), "all": kept["accuracy"]}
            row += [three(kept["accuracy"])]
        row += [three([one["runs"][OURS]["F1"][one["kept"]] for one in each])]
        found[f"{name}, {OURS}"]["epoch"] = [one["kept"] + 1 for one in each]
        table.append((*row, with_spread([one["kept"] + 1 for one in each]), three(last)))
    for name, of in ((BAG, "accuracy"), (MAJORITY, "majority")):
        values = [one[of] for one in bags]
        found[name] = {"accuracy": float(np.median(values)), "all": values}
        each = three([one["F1"] for one in bags]) if name == BAG else ""
        table.append((name, "", three(values), each, "", ""))
    if texts.snippets:
        table += [(f"paper: {name}", "", "", f"{value:.2f} (three classes)", "", "") for name, value in PAPER.items()]
    held_out = next(iter(networks.values()))[0]["sizes"]["held out"]
    found["held out"] = held_out
    found["standard error"] = float(np.sqrt(0.75 * 0.25 / held_out))
    return Part(
        "accuracy",
        "What a recurrent network learns of reviews",
        settings(texts, sizes, networks),
        ("network", "layers", "of", "epoch", *SPREAD),
        rows,
        ("", "stock", "ours", "F1", "epoch that is kept", "after the last epoch"),
        table,
        found,
        _says(found, list(networks), sizes, texts.snippets),
        SOURCE if texts.snippets else "",
    )


def three(values: list[float]) -> str:
    """A share in three digits: a median with its quartiles."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def _says(found: dict[str, Any], networks: list[str], sizes: Sizes, paper: bool) -> str:
    of = {name: found[f"{name}, {OURS}"] for name in networks}
    best = max(of, key=lambda name: of[name]["accuracy"])
    top, bag, larger = of[best]["accuracy"], found[BAG]["accuracy"], found[MAJORITY]["accuracy"]
    error = found["standard error"]
    each = ", ".join(f"{name} {of[name]['accuracy']:.3f} (F1 {of[name]['F1']:.3f})" for name in networks)
    both = max(abs(of[name]["accuracy"] - found[f"{name}, {STOCK}"]["accuracy"]) for name in networks)
    beside = (
        f"{top - bag:.3f} more than"
        if top - bag > 2 * error
        else f"{bag - top:.3f} less than"
        if bag - top > 2 * error
        else f"no more and no less, within two standard errors ({2 * error:.3f}), than"
    )
    falls = [name for name in networks if of[name]["last accuracy"] < of[name]["accuracy"] - error]
    epochs = ", ".join(map(str, sorted({k for name in networks for k in of[name]["epoch"]})))
    ends = ", ".join(f"{of[name]['last accuracy']:.3f}" for name in falls)
    after = (
        f" After the epoch that is kept, which the validation part chooses ("
        f"{epochs} of {sizes.epochs}), "
        f"training only learns the training part by heart: {', '.join(falls)} "
        f"{'ends' if len(falls) == 1 else 'end'} at {ends}."
        if falls
        else ""
    )
    printed = (
        f" The paper's numbers are F1 of three classes, neutral among them, so they are near ours and not the same: "
        f"{', '.join(f'{name} {value:.2f}' for name, value in PAPER.items())}; our bag of words has an accuracy of "
        f"{bag:.3f}. Its maximum entropy, logistic regression by another name, learned on one half of the data too."
        if paper
        else ""
    )
    return (
        f"Of {found['held out']:,} reviews held out, these shares are right, in the median of "
        f"{counted(sizes.seeds)}, each with a division of its own: {each}; always the larger class: {larger:.3f}. "
        f"Logistic regression on the bag of words, which knows no order, has {bag:.3f}: the best network, {best}, has "
        f"{beside} that. Stock layers and ours differ by {short(both)} at most.{after}{printed}"
    )
