"""A list of arrays in a legacy .h5 -> the layers that share it: by the order that Keras gives it, checked by names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reference.files import variables
from reference.files.guard import Guard
from reference.files.outline import Item, plain
from reference.files.stored import Stored, StoredLayer

Named = list[tuple[str, Stored]]  # arrays by their names in the file


def assigned(item: Item, named: Named, era: str, guard: Guard, where: str) -> list[StoredLayer]:
    """A group's arrays to the layers within, which share its list: first all that are trained, then the others."""
    leaves = list(item.leaves())
    expected = [variables.arrays(plain(leaf.kind), leaf.config, era) for leaf in leaves]
    shares: list[Named] | None = None
    if len(leaves) == 1:
        shares = [_names(named, expected[0], leaves[0], guard, where)]
    elif all(own is not None for own in expected):
        wanted = sum(len(side) for own in expected for side in own or ())
        shares = _in_order(item, leaves, named, era) if len(named) == wanted else None
    if shares is None:
        shares = _by_name(leaves, expected, named, guard, where)
    return [
        StoredLayer(leaf.path, leaf.kind, leaf.config, dict(share), leaf.package, leaf.trainable, where=where)
        for leaf, share in zip(leaves, shares, strict=True)
    ]


def _names(named: Named, expected: variables.Sides | None, leaf: Item, guard: Guard, where: str) -> Named:
    """One layer's arrays, by their short names."""
    arrays = [array for _, array in named]
    short = [*expected[0], *expected[1]] if expected else []
    agree = len(short) == len(named) and all(_agrees(name, own) for (name, _), own in zip(named, short, strict=True))
    if expected is None or not (agree or variables.certain(plain(leaf.kind), short)):
        return list(zip(_short([name for name, _ in named]), arrays, strict=True))
    there = ", ".join(name for name, _ in named) or "none"
    if len(short) != len(named):
        must = f"must have the {len(short)} arrays of {leaf.path}, {leaf.kind} ({', '.join(short)})"
        guard.refuse("missing-weight" if named else "no-weights", where, must, there)
    if not agree:
        must = f"must have the arrays of {leaf.path}, {leaf.kind}, in the order {', '.join(short)}"
        guard.refuse("name", where, must, there)
    return list(zip(short, arrays, strict=True))


def _agrees(name: str, short: str) -> bool:
    """Whether an array's name in the file can be that of this array of its layer."""
    last, own = name.split("/")[-1].split(":")[0], short.split("/")[-1]
    said = next((word for word in KNOWN if last == word or last.endswith(f"_{word}")), None)
    return said is None or last == own or last.endswith(f"_{own}")


KNOWN = sorted(
    {
        word.partition("?")[0]
        for line in (*variables.STOCK.values(), *variables.KERAS1.values())
        for word in line.replace("|", "").split()
    }
    | {f"{a}_{g}" for a in "WUb" for g in "icfozrh"},
    key=len,
    reverse=True,
)


def _in_order(item: Item, leaves: list[Item], named: Named, era: str) -> list[Named] | None:
    """The layers' shares by the order in which Keras lists them; None where the names in the file contradict it."""
    names = {leaf.name for leaf in leaves}
    for heed in (True, False):
        trained, others = _listing(item, era, heed)
        order = [*trained, *others]
        if all(_fits(name, path, short, names) for (name, _), (path, short) in zip(named, order, strict=True)):
            shares: dict[str, Named] = {leaf.path: [] for leaf in leaves}
            for (_, array), (path, short) in zip(named, order, strict=True):
                shares[path].append((short, array))
            return [shares[leaf.path] for leaf in leaves]
    return None


def _fits(name: str, path: str, short: str, names: set[str]) -> bool:
    """Whether an array's name is that of this layer's array, and has no other layer's among its folders."""
    said = names.intersection(name.split("/")[:-1])
    return _agrees(name, short) and (not said or path.rsplit("/", 1)[-1] in said)


Places = list[tuple[str, str]]  # a layer's path and its array's short name


def _listing(item: Item, era: str, heed: bool) -> tuple[Places, Places]:
    """What `item.trainable_weights` and `item.non_trainable_weights` were; `heed` what the config says of training."""
    if item.children or item.is_model:
        both = [_listing(child, era, heed) for child in item.children]
        trained = [place for own, _ in both for place in own]
        others = [place for _, own in both for place in own]
    else:
        sides = variables.arrays(plain(item.kind), item.config, era) or ([], [])
        trained, others = ([(item.path, short) for short in side] for side in sides)
    if heed and item.trainable is False:
        return [], [*trained, *others]
    return trained, others


def _by_name(
    leaves: list[Item], expected: Sequence[variables.Sides | None], named: Named, guard: Guard, where: str
) -> list[Named]:
    """The layers' shares by the layer's name in the array's name."""
    shares: list[Named] = [[] for _ in leaves]
    places: dict[str, list[int]] = {}
    for k, leaf in enumerate(leaves):
        places.setdefault(leaf.name, []).append(k)
    for name, array in named:
        folders = name.split("/")[:-1]
        owners = {k for folder in folders for k in places.get(folder, ())}
        if len(owners) != 1:
            must = "must have arrays whose names say which of the layers within they belong to"
            guard.refuse("name", where, must, name)
        shares[owners.pop()].append((name, array))
    return [_names(share, own, leaf, guard, where) for share, own, leaf in zip(shares, expected, leaves, strict=True)]


def _short(names: Sequence[str]) -> list[str]:
    """Names without what they all begin with, and without TensorFlow's ":0"."""
    bare = [re.sub(r":\d+$", "", name) for name in names]
    last = [name.split("/")[-1] for name in bare]
    return last if len(set(last)) == len(last) else bare
