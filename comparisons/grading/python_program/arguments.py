"""Which parameter of a function gets what, by its name, or else by its place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from comparisons.grading.python_program import Unfit

# What people call the arguments, in lower case, beside their names here.
CALLED = {
    "x": ("x", "x_t", "xt", "xs", "inputs", "input", "input_t", "inp", "sequence", "seq"),
    "h": ("h", "h_t", "ht", "h0", "h_0", "h_prev", "hprev", "prev_h", "h_tm1", "h_old", "hidden", "hx", "a_prev"),
    "c": ("c", "c_t", "ct", "c0", "c_0", "c_prev", "cprev", "prev_c", "c_tm1", "c_old", "cell", "carry", "cx"),
    "y": ("y", "y0", "y_prev", "y_tm1", "y_old"),
    "kernel": ("kernel", "w", "wx", "w_x", "w_ih", "input_kernel"),
    "recurrent_kernel": ("recurrent_kernel", "u", "wh", "w_h", "w_hh"),
    "bias": ("bias", "b", "biases"),
    "recurrent_bias": ("recurrent_bias", "d", "b_hh"),
}
STATE = ("state", "states", "prev_state", "initial_state")  # all fields, as a tuple


class Argument(NamedTuple):
    parameter: str
    name: str  # of what it gets
    by_position: bool


def weights(case: dict[str, Any]) -> list[str]:
    """The names of a case's weights, which stand between its state and its words."""
    names = list(case)
    return names[names.index(case["states"][-1]) + 1 : names.index("cell")]


def arguments(function: Callable[..., Any], case: dict[str, Any]) -> list[Argument]:
    """What the function is to be given. Raises Unfit for parameters that say nothing."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise Unfit(f"the parameters of the function must be known, got {error}") from None
    taken = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    have = ["x", *case["states"], *weights(case)]
    known = {alias: name for name in have for alias in CALLED.get(name, (name,))}
    # And options as the command line has them.
    known |= {name: name for name in (*case["options"], "units", "bias", *STATE) if name not in known}
    found = {p.name: known.get(p.name.lower()) for p in taken}
    needed = [p for p in taken if p.default is p.empty]
    must = {"x", *weights(case)[:2]} | (set() if set(STATE) & set(found.values()) else set(case["states"]))
    if all(found[p.name] for p in needed) and must <= set(found.values()):
        functions = {name for name, value in case["options"].items() if isinstance(value, str)}
        # A default of activation is a function, and is left as it is.
        pairs = [(p, found[p.name]) for p in taken if p in needed or found[p.name] not in functions]
    else:
        # In this order, where there are as many; a second bias may be a row of the first.
        orders = [have, [name for name in have if name != "recurrent_bias"]]
        order = next((order for order in orders if len(order) == len(needed)), None)
        if order is None:
            raise Unfit(
                f"the function's parameters must be {', '.join(have)}, by name or in this order, "
                f"got {', '.join(p.name for p in taken) or 'none'}"
            )
        pairs = list(zip(needed, order, strict=True))
    return [Argument(p.name, name, p.kind is p.POSITIONAL_ONLY) for p, name in pairs if name]
