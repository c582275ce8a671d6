"""The parts about a text: how many bits per character it takes, beside counting; and a unit that tells something."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.next_character.text import MOST, Text
from comparisons.studies.next_character.training import TEMPERATURE, Sizes
from comparisons.studies.part import SPREAD, Part, short, spread_rows, with_spread

Found = dict[str, list[dict[str, Any]]]  # by network, of every seed


def settings(text: Text, sizes: Sizes) -> str:
    """What was learned from what, in a few words."""
    first = f", the first {MOST:,} characters" if text.of > MOST and sizes.characters == MOST else ""
    return (
        f"{text.source}{first}: {len(text.train):,} characters for training, {len(text.held_out):,} held out, "
        f"{len(text.characters) - 1} different; {sizes.units} units, windows of {sizes.window}, {sizes.steps} steps of "
        f"{sizes.batch} windows, {sizes.seeds} seed{'s' * (sizes.seeds > 1)}"
    )


def text_part(text: Text, sizes: Sizes, networks: Found, counting: dict[str, float]) -> Part:
    """Bits per character on the held-out part, over training; and of n-grams."""
    rows: list[tuple[Any, ...]] = []
    table, found = [], {}
    for name, each in networks.items():
        steps = each[0]["steps"]
        rows += spread_rows((name,), steps, [one["bits"] for one in each])
        best = [min(one["bits"]) for one in each]
        last = [one["bits"][-1] for one in each]
        at = [steps[int(np.argmin(one["bits"]))] for one in each]
        found[name] = {"last": float(np.median(last)), "best": float(np.median(best)), "at": float(np.median(at))}
        table.append((name, two(last), two(best), with_spread(at), f"{each[0]['parameters']:,}"))
    for order, bits in counting.items():
        rows.append((f"{order}-gram", 0, bits, bits, bits))
        table.append((f"{order}-gram (counted)", f"{bits:.2f}", "", "", ""))
    found["n-grams"] = dict(counting)
    found["every"] = float(np.log2(len(text.characters)))
    found["judged"] = next(iter(networks.values()))[0]["judged"]
    heads = ("", "bits per character", "lowest", "at step", "weights")
    return Part(
        "text",
        "A text, character by character",
        settings(text, sizes),
        ("network", "step", *SPREAD),
        rows,
        heads,
        table,
        found,
        _text(found, list(networks), counting, sizes),
    )


def two(bits: list[float]) -> str:
    """A median with its quartiles, in two decimals."""
    low, middle, high = np.quantile(bits, [0.25, 0.5, 0.75])
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def _text(found: dict[str, Any], networks: list[str], counting: dict[str, float], sizes: Sizes) -> str:
    each = ", ".join(f"{name} {found[name]['last']:.2f}" for name in networks)
    best = min(networks, key=lambda name: found[name]["last"])
    order = min(counting, key=lambda one: counting[one])
    gain = counting[order] - found[best]["last"]
    beside = (
        f"the {best} needs {abs(gain):.2f} bits {'less' if gain > 0 else 'more'} than that"
        if abs(gain) >= 0.02
        else f"the {best} needs as much"
    )
    counted = ", ".join(f"{one}-grams {bits:.2f}" for one, bits in counting.items())
    late = [name for name in networks if found[name]["last"] - found[name]["best"] > 0.02]
    lowest = ", ".join(f"{name} {found[name]['best']:.2f} at step {found[name]['at']:.0f}" for name in late)
    overdone = f" The lowest was earlier, before the text was learned by heart: {lowest}." if late else ""
    return (
        f"Each network reads the text one-hot and says which character comes next. On the part that is held out, at "
        f"{found['judged']:,} places, it needs so many bits per character after {sizes.steps} steps, in the median: "
        f"{each}. If all characters were as likely, it would be {found['every']:.2f}. Counting, without any network, "
        f"gives {counted}, each mixed with the shorter ones: the best of them has {counting[order]:.2f}, and "
        f"{beside}.{overdone}"
    )


def unit_part(text: Text, sizes: Sizes, networks: Found) -> Part:
    """One unit of the first seed's LSTM over what it read and what it wrote; and what every seed's goes with."""
    name = next(iter(networks))
    each = [one["unit"] for one in networks[name]]
    first, sample = each[0], networks[name][0]["sample"]
    passage = first["passage"] + sample
    kinds = ["read"] * len(first["passage"]) + ["written"] * len(sample)
    rows: list[tuple[Any, ...]] = [
        (kind, k, character, value)
        for k, (kind, character, value) in enumerate(zip(kinds, passage, first["state"], strict=True))
    ]
    table = []
    for network, those in networks.items():
        for n, one in enumerate(those):
            unit = one["unit"]
            table.append(
                (network, str(n), str(unit["unit"]), unit["sign"], f"{unit['correlation']:.2f}",
                 f"{unit['before training']:.2f}", "" if unit["half left"] is None else short(unit["half left"]))
            )  # fmt: skip
    found = {
        "network": name,
        "unit": first["unit"],
        "sign": first["sign"],
        "correlation": first["correlation"],
        "before training": first["before training"],
        "half left": first["half left"],
        "all": first["all"],
        "every seed": [[unit["sign"], unit["correlation"], unit["before training"]] for unit in each],
        "sample": sample,
        "temperature": TEMPERATURE,
    }
    heads = ("network", "seed", "unit", "goes with", "correlation, held out", "before training", "half is left after")
    return Part(
        "unit",
        "One unit, over what it read and what it wrote",
        settings(text, sizes),
        ("text", "position", "character", "state"),
        rows,
        heads,
        table,
        found,
        _unit(found, sizes),
    )


def _unit(found: dict[str, Any], sizes: Sizes) -> str:
    life = found["half left"]
    keeps = f" By its forget gate alone, half of what it holds is left after {short(life)} characters." if life else ""
    others = "; ".join(f"{sign}, {now:.2f} ({before:.2f})" for sign, now, before in found["every seed"])
    signs = "; ".join(f"{sign}, {now:.2f} ({before:.2f})" for sign, (now, before) in found["all"].items())
    clear = abs(found["correlation"]) > abs(found["before training"]) + 0.1
    verdict = "more than chance finds" if clear else "no more than chance finds"
    return (
        f"Of the {sizes.units} units of the {found['network']}, unit {found['unit']} goes most with one thing, "
        f"{found['sign']}: a correlation of {found['correlation']:.2f} on the held-out part, chosen on the training "
        f"part; the same choice among the units before training finds {found['before training']:.2f}: {verdict}."
        f"{keeps} The best unit for each sign, in brackets before training: {signs}; and with every seed: {others}. "
        f"What the network writes at a temperature of {found['temperature']:g}, after the end of the training part: "
        f"{quoted(found['sample'])}"
    )


def quoted(sample: str) -> str:
    """A generated text in one line, as a page may have it: without the signs that a page would take for its own."""
    return f"`{' '.join(sample.replace(chr(10), ' ↵ ').replace('`', '´').replace('|', '¦').split())}`"
