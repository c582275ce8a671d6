"""Planted mistakes: every layer here is wrong, and a check that passes one of them proves nothing.

A mutant turns a right layer into a wrong one, or into None where the mistake is none for that layer (Keras 2's hard
sigmoid in a cell that uses neither). They are the mistakes of the field: porting code, papers and exporters make them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from comparisons.proof.mutants import arrays, loop, steps, wrapped
from comparisons.proof.mutants.arrays import Mutant
from reference import Bidirectional, Layer, Stack, Wrapped
from reference.layer import AnyLayer


def planted(layer: AnyLayer | Wrapped, masked: bool) -> Iterator[tuple[str, Any]]:
    """Every mutant that applies to this layer, and to a run with or without a mask, by name; of layers on one another
    or in two directions, in the first; of a wrapped layer, those of the wrappers and those of the layer's step."""
    if isinstance(layer, Wrapped):
        yield from wrapped.planted(layer)
        for name, wrong in planted(layer.innermost, masked):
            if type(wrong) is Layer:  # else the mistake is in the layer's own loop, which does not run
                yield name, layer.around(wrong)
    elif isinstance(layer, Stack):
        yield from wrapped.exchanged(layer)
        for name, wrong in planted(layer.layers[0], masked):
            yield name, replace(layer, layers=(wrong, *layer.layers[1:]))
        for name, wrong in planted(layer.layers[-1], masked):
            yield f"{name}, in the last layer", replace(layer, layers=(*layer.layers[:-1], wrong))
    elif isinstance(layer, Bidirectional):
        for name, wrong in planted(layer.forward, masked):
            yield name, replace(layer, forward=wrong)
        forward, backward = layer.forward, layer.backward
        yield (
            "directions exchanged",
            replace(layer, forward=replace(backward, go_backwards=False), backward=replace(forward, go_backwards=True)),
        )
        for mode in {"sum", "mul", "ave"} - {layer.merge_mode}:
            if layer.merge_mode != "concat":
                yield f"directions merged by {mode}", replace(layer, merge_mode=mode)
    else:
        for mutant in (*arrays.permutations_of(layer), *MUTANTS):
            wrong = mutant.plant(layer) if masked or not mutant.of_masks else None
            if wrong is not None:
                yield mutant.name, wrong


MUTANTS: tuple[Mutant, ...] = (
    *(Mutant(f"recurrent kernel of {letter} transposed", arrays.transposed(letter)) for letter in "ifgozrnh"),
    Mutant("units reversed", arrays.reversed_units),
    Mutant("biases dropped", arrays.no_bias),
    Mutant("forget bias dropped", arrays.forget_bias(-1.0)),
    Mutant("forget bias doubled", arrays.forget_bias(+1.0)),
    Mutant("forget bias on the input gate", arrays.forget_bias(-1.0, +1.0)),
    Mutant("candidate's recurrent bias dropped", arrays.recurrent_bias("dropped")),
    Mutant("candidate's recurrent bias outside r", arrays.recurrent_bias("outside r")),
    Mutant("two biases merged", arrays.recurrent_bias("merged")),
    *(
        Mutant(f"{after} for {before}", arrays.swapped_activation("recurrent_activation", before, after))
        for before, after in permutations(("sigmoid", "hard_sigmoid_keras2", "hard_sigmoid_keras3"), 2)
    ),
    Mutant("candidate's tanh left out", arrays.swapped_activation("activation", "tanh", "linear")),
    Mutant("candidate's relu left out", arrays.swapped_activation("activation", "relu", "linear")),
    Mutant("activations' clip left out", arrays.unclipped),
    Mutant("reset before for after, or after for before", arrays.other_reset),
    Mutant("update gate's polarity", steps.step(steps.of(*steps.MEANS), steps.polarity)),
    Mutant("h from the old c", steps.step(steps.of(*steps.CELLED), steps.old_c)),
    Mutant(
        "tanh of c left out",
        steps.step(
            lambda layer: layer.cell in steps.CELLED and steps.squash(layer).name != "linear", steps.no_output_tanh
        ),
    ),
    Mutant("no forget gate", steps.step(steps.of("lstm", "peephole_lstm", "cifg"), steps.no_forget)),
    Mutant(
        "(c, h) for (h, c)",
        steps.step(
            lambda layer: layer.cell in steps.CELLED and layer.recurrent_dim == layer.units, steps.states_swapped
        ),
    ),
    Mutant("the other gate coupled", arrays.option("coupled", lambda letter: ("f" if letter == "i" else "i",))),
    Mutant("candidate's squashing for the output's", arrays.option("output_activation", lambda _: (None,))),
    Mutant(
        "gates of a block interleaved",
        steps.step(lambda layer: layer.options.get("cells_per_block", 1) > 1, steps.blocks_interleaved),
    ),
    Mutant("cell clip left out", arrays.option("cell_clip", lambda _: (None,))),
    Mutant("cell clipped after the output", steps.step(steps.of("peephole_lstm", cell_clip=True), steps.clip_too_late)),
    Mutant("clipped cell not stored", steps.step(steps.of("peephole_lstm", cell_clip=True), steps.clip_unseen)),
    Mutant("projection's clip left out", arrays.option("proj_clip", lambda _: (None,))),
    Mutant(
        "projection before the output gate",
        steps.step(steps.projects, steps.projected_first),
    ),
    Mutant("peepholes dropped", arrays.array("peephole", np.zeros_like)),
    Mutant("peepholes of two gates exchanged", arrays.array("peephole", arrays.pieces(3, 1, 0, 2))),
    Mutant("peepholes' units reversed", arrays.array("peephole", lambda a: a[::-1])),
    Mutant("output gate's peephole at the old c", steps.peephole_at("o")),
    Mutant("peepholes of i and f at the new c", steps.peephole_at("if")),
    Mutant("output's kernel reversed", arrays.array("output_kernel", lambda a: a[::-1])),
    Mutant("output's bias dropped", arrays.array("output_bias", np.zeros_like)),
    Mutant("gates' own recurrence dropped", arrays.array("gate_recurrent_kernel", np.zeros_like)),
    Mutant("gates' own recurrence transposed", arrays.array("gate_recurrent_kernel", np.transpose)),
    *(
        Mutant(f"{name} dropped", arrays.array(name, np.ones_like if "gamma" in name else np.zeros_like))
        for name in (
            *("gamma", "beta", "state_gamma", "state_beta"),
            *("kernel_gamma", "kernel_beta", "recurrent_gamma", "recurrent_beta"),
        )
    ),
    Mutant("state dropped half way", lambda layer: loop.remade(loop.StateDropped, layer)),
    Mutant("mask zeroes the state", lambda layer: loop.remade(loop.ZeroedByMask, layer), of_masks=True),
    Mutant("masked outputs zeroed", lambda layer: replace(layer, zero_output_for_mask=True), of_masks=True),
    Mutant("direction ignored", loop.directed(lambda layer: replace(layer, go_backwards=False))),
    Mutant("outputs reversed back", loop.directed(lambda layer: loop.remade(loop.OutputsFlipped, layer))),
)
