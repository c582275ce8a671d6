"""Choices in words: said of somebody's implementation, to its author, and of arrays and what was computed from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from comparisons.diagnosis.axes import SAME
from comparisons.diagnosis.found import Difference
from comparisons.diagnosis.phrases import FIXED, Words
from comparisons.diagnosis.space import Space
from reference.conventions.frameworks import FRAMEWORKS
from reference.conventions.storage import parse
from reference.steps import module

GATES = {"i": "input", "f": "forget", "g": "candidate", "o": "output", "z": "update", "r": "reset", "n": "candidate"}
FUNCTIONS = {
    "hard_sigmoid_keras2": "Keras 2's hard sigmoid, clip(0.2 x + 0.5, 0, 1)",
    "hard_sigmoid_keras3": "Keras 3's hard sigmoid, clip(x/6 + 0.5, 0, 1)",
}


Speaker = Callable[[Any, Any, float], Words]  # of a choice, what was expected instead, and the forget bias


def gate(letter: str) -> str:
    """A gate's name.

    >>> gate("f"), gate("g")
    ('forget gate', 'candidate')
    """
    name = GATES.get(letter, letter)
    return name if name == "candidate" else f"{name} gate" if letter in GATES else "hidden layer"


def listed(names: Sequence[str], joint: str = "and") -> str:
    """
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return f" {joint} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def function(name: str) -> str:
    """An activation, told from its namesakes."""
    return FUNCTIONS.get(name, "no activation" if name == "linear" else name)


def _order(choice: str, own: str, added: float) -> Words:
    moved = [letter for letter, other in zip(own, choice, strict=True) if letter != other]
    if len(moved) == 2:
        names = " and ".join(gate(letter).removesuffix(" gate") for letter in sorted(moved, key=own.index))
        yours = f"your {names}{' gates' * ('candidate' not in names)} are exchanged"
    else:
        yours = f"you read the gates in the order {' '.join(choice)}, and they are stored in the order {' '.join(own)}"
    return Words(
        f"the gates are read in the order {' '.join(choice)}",
        yours,
        f"the gates are stored in the order {' '.join(choice)}",
    )


def _transposed(choice: str, own: str, added: float) -> Words:
    which = (
        "" if len(choice) > 3 or choice == "zrn" or choice == "h" else f" of the {listed([gate(g) for g in choice])}"
    )
    return Words(
        f"the recurrent kernel{which} is transposed",
        f"your recurrent kernel{which} is transposed",
        f"the recurrent kernel{which} is stored transposed",
    )


def _added(choice: Any, own: Any, fb: float) -> Words:
    now, before = dict(choice), dict(own)
    if (now, before) == ({}, {"f": 1}):
        return Words(
            f"forget_bias {fb} is not added to the forget gate",
            f"you do not add forget_bias {fb} to your forget gate",
            "no forget_bias is added at run time",
        )
    if now == {"f": -1, "i": 1} or (now == {"i": 1} and before == {"f": 1}):
        return Words(
            f"the forget bias of {fb} is on the input gate",
            f"your forget bias of {fb} is on the input gate",
            f"{fb} of the forget gate's bias belongs to the input gate",
        )
    if now == {"f": -1}:
        return Words(
            f"{fb} is missing from the forget gate's bias",
            f"your forget gate's bias is {fb} too small",
            f"{fb} is to be taken off the forget gate's stored bias",
        )
    if now == {"f": 2}:
        return Words(
            f"{2 * fb} is added to the forget gate at run time",
            f"you add {2 * fb} to your forget gate",
            f"{2 * fb} is added to the forget gate at run time",
        )
    (letter,) = now
    once = f"{fb} is added to the {gate(letter)} at run time"
    instead = " instead of the forget gate" if before else ""
    return Words(once, f"you add {fb} to your {gate(letter)}{instead} at run time", f"{once}, and stored nowhere")


def _gate(choice: str, own: str, added: float) -> Words:
    return Words(
        f"the gates' activation is {function(choice)} instead of {function(own)}",
        f"your gates use {function(choice)}, and must use {function(own)}",
        f"the gates' activation is {function(choice)}",
    )


def _activation(choice: str, own: str, added: float) -> Words:
    left_out = choice == "linear"
    return Words(
        f"the {own} of the candidate is left out"
        if left_out
        else f"the activation is {function(choice)} instead of {own}",
        f"you leave out the {own}" if left_out else f"your activation is {function(choice)}, and must be {own}",
        f"the activation is {choice}",
    )


def _squash(choice: str, own: str, added: float) -> Words:
    if choice == "linear":
        return Words(
            "the tanh of c is left out of the output", "you leave out the tanh of c", "h is o · c, without a tanh of c"
        )
    name = "the candidate's" if choice == SAME else choice
    return Words(
        f"the activation of c in the output is {name}",
        f"your activation of c in the output is {name}",
        f"the activation of c in the output is {name}",
    )


def _peepholes(choice: str, own: str, added: float) -> Words:
    if choice == "dropped":
        return Words("the peepholes are left out", "you leave out the peepholes", "the peepholes are not used")
    if choice == "reversed":
        return Words(
            "the peepholes are read from the last to the first",
            "you read the peepholes from the last to the first",
            "the peepholes are stored from the last to the first",
        )
    order = " ".join(choice)
    return Words(
        f"the peepholes are read in the order {order}",
        f"you read the peepholes in the order {order}, and they are stored in the order {' '.join(own)}",
        f"the peepholes are stored in the order {order}",
    )


def _time(choice: tuple[bool, bool], own: tuple[bool, bool], added: float) -> Words:
    backwards, flipped = choice
    way = "from the last step to the first" if backwards else "from the first step to the last"
    parts = [f"the sequence is run {way}"] if backwards != own[0] else []
    yours = [f"you run the sequence {way}"] if backwards != own[0] else []
    if flipped != own[1]:
        how = "in reversed order" if not backwards else "turned back into the order of the inputs"
        how = how if flipped else "in the order in which they were computed"
        parts.append(f"the outputs are returned {how}")
        yours.append(f"you return the outputs {how}")
    return Words(" and ".join(parts), " and ".join(yours), " and ".join(parts))


def _laid_out(choice: tuple[bool, bool], own: tuple[bool, bool], added: float) -> Words:
    if choice == (True, True):
        return Words(
            "batch and time are exchanged (time-major)",
            "you run over the batch in place of time (time-major inputs read as batch-major, or the reverse)",
            "inputs and outputs are time-major",
        )
    which = "inputs" if choice[0] else "outputs"
    return Words(f"the {which} are time-major", f"your {which} are time-major", f"the {which} are time-major")


def _initial(choice: str, own: str, added: float) -> Words:
    if choice == "zeros":
        return Words(
            "the initial state is not used",
            "you do not use the initial state",
            "the run begins with zeros, not with the initial state",
        )
    return Words(
        "the initial h and c are exchanged", "your initial h and c are exchanged", "the initial state is (c, h)"
    )


SPOKEN: Mapping[str, Speaker] = {
    "order": _order,
    "transposed": _transposed,
    "added": _added,
    "gate": _gate,
    "activation": _activation,
    "squash": _squash,
    "peepholes": _peepholes,
    "time": _time,
    "laid out": _laid_out,
    "initial": _initial,
}


def words(axis: str, choice: Any, own: Any, forget_bias: float = 1.0) -> Words:
    """A choice in place of another, in words."""
    if (axis, choice) in FIXED:
        fixed = FIXED[axis, choice]
        return fixed._replace(found=fixed.found or fixed.said)
    if (
        axis in SPOKEN
        and not (axis == "transposed" and choice == "")
        and not (axis == "laid out" and choice == (False, False))
    ):
        return SPOKEN[axis](choice, own, forget_bias)
    # The choice that changes nothing, where something else was expected: the negation of that.
    back = words(axis, own, choice, forget_bias)
    return Words(*(f"it is not so that {sentence}" for sentence in back))


def differences(space: Space, row: Sequence[int], own: Sequence[int], framework: str = "") -> tuple[Difference, ...]:
    """What differs between a row and another, in words; `framework` is as whose arrays the space's were read."""
    found = []
    for axis, choices, k, mine in zip(space.axes, space.choices, row, own, strict=True):
        if k != mine:
            spoken = words(axis.name, choices[k], choices[mine], float(space.blocks.added))
            if axis.name == "order":
                read, stored = (_stored(space, framework, choices[c]) for c in (mine, k))
                spoken = spoken._replace(found=f"the gates are stored in the order {stored}, not {read}")
            found.append(Difference(axis.name, choices[k], *spoken))
    return tuple(found)


def _stored(space: Space, framework: str, order: str) -> str:
    """The order in which the arrays have the gates, and who has them so."""
    gates, cell = space.blocks.gates, space.layer.cell
    kept = _orders(cell).get(framework) or gates  # the letters, as they stand in the arrays, that were read
    stored = "".join(order[gates.index(letter)] for letter in kept)
    owners = [FRAMEWORKS[name].title for name, theirs in _orders(cell).items() if theirs == stored]
    if framework and kept == stored:
        owners = [FRAMEWORKS[framework].title]
    more = " and others" if len(owners) > 3 else ""
    return " ".join(stored) + (f" ({', '.join(owners[:3])}{more})" if owners else "")


def conventions(space: Space, row: Sequence[int], framework: str = "") -> list[str]:
    """What a row is, whatever was expected, in words: what frameworks differ in."""
    chosen, fb = space.chosen(row), float(space.blocks.added)
    found = [f"the gates are stored in the order {_stored(space, framework, chosen['order'])}"] * (
        len(space.blocks.gates) > 1
    )
    if "gate" in chosen:
        found.append(f"the gates' activation is {function(chosen['gate'])}")
    if "reset" in chosen:
        found.append(words("reset", chosen["reset"], None).found)
    if chosen.get("polarity"):
        found.append(words("polarity", chosen["polarity"], "").found)
    if chosen.get("added"):
        found.append(words("added", chosen["added"], (), fb).found)
    return found


@cache
def _orders(cell: str) -> dict[str, str]:
    """The order of the gates in each framework that has them side by side."""
    found: dict[str, str] = {}
    for name, home in FRAMEWORKS.items():
        for key, form in home.forms.items():
            specs = [parse(text) for text in form.arrays.values()] if key.split()[0] == cell else []
            gates = [spec.gates for spec in specs if "U" in spec.kinds]
            if gates and len(gates[0]) == len(module(cell).gates):
                found.setdefault(name, gates[0])
    return found
