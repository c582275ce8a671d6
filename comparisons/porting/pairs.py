"""Two recurrent layers and a Concatenate that stand for a Bidirectional which Keras 3 has not."""

from __future__ import annotations

from typing import Any


class TwoDirections:
    """A layer, another that goes backwards, and a Concatenate of their outputs: called as a Bidirectional is.

    It is no layer itself: in a model, what it calls is what is saved.
    """

    def __init__(self, forward: Any, backward: Any, join: Any = None) -> None:
        self.forward_layer, self.backward_layer, self.join = forward, backward, join
        self.compute_dtype = forward.compute_dtype

    def __call__(self, x: Any, initial_state: Any = None, **given: Any) -> Any:
        """One output, and the states of both sides where they return them."""
        import keras

        sides = (self.forward_layer, self.backward_layer)
        told = [given, given]
        if initial_state is not None:
            count = len(keras.tree.flatten(sides[0].state_size))
            halves = (initial_state[:count], initial_state[count:])
            told = [{**given, "initial_state": packed(side, half)} for side, half in zip(sides, halves, strict=True)]
        (ahead, *first), (back, *second) = (
            keras.tree.flatten(side(x, **each)) for side, each in zip(sides, told, strict=True)
        )
        if sides[0].return_sequences:
            back = keras.ops.flip(back, axis=1)
        joined = (self.join or keras.layers.Concatenate())([ahead, back])
        if (mask := getattr(ahead, "_keras_mask", None)) is not None:  # the flipped side has none
            joined._keras_mask = mask
        return [joined, *first, *second] if sides[0].return_state else joined

    def build(self, shape: Any) -> None:
        """Make the variables of both sides."""
        for side in (self.forward_layer, self.backward_layer):
            side.build(shape)

    def get_weights(self) -> list[Any]:
        """The arrays of both sides."""
        return [*self.forward_layer.get_weights(), *self.backward_layer.get_weights()]

    def set_weights(self, arrays: list[Any]) -> None:
        """Give both sides their arrays."""
        count = len(self.forward_layer.weights)
        self.forward_layer.set_weights(arrays[:count])
        self.backward_layer.set_weights(arrays[count:])


def packed(layer: Any, states: list[Any]) -> Any:
    """Flat states in the structure in which an RNN keeps them: a list a cell, where there are several."""
    import keras

    if not isinstance(layer, keras.layers.RNN):
        return states
    return keras.tree.pack_sequence_as(list(layer.state_size), states)
