"""PyTorch's recurrent layers in Keras: `torch.nn`'s arguments, two biases, outputs and layout of the states.

Read in torch/nn/modules/rnn.py, PyTorch 2.13. The weights are Keras' (gates i f g o and z r n, axes `(X, C)`), one cell
a layer and direction, in PyTorch's order: layer 0 forward, layer 0 reverse, layer 1 forward, …
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from cells.gru import GRUCell
from cells.peephole_lstm import PeepholeLSTMCell
from cells.simple_rnn import SimpleRNNCell


class _Recurrent(keras.layers.Layer):
    """What the three share: layers on one another, in one direction or two.

    Call arguments: `input (T, B, X)`, or `(B, T, X)` with `batch_first`; `hx`, the initial states, `h_0`, or
    `(h_0, c_0)` of an LSTM, each `(layers · directions, B, …)`, zeros unless given; `training`. Returns `output` in the
    layout of the input, and `h_n`, or `(h_n, c_n)`, whose first axis is layer 0 forward, layer 0 reverse, layer 1
    forward, …, whatever `batch_first` says.

    `dropout` falls on the outputs of every layer but the last, in training, as PyTorch's does; the masks themselves are
    Keras' draws and not PyTorch's, so that a training run with dropout does not repeat one of PyTorch's.

    Weights begin uniform in ±1/√H. Raises ValueError for a size that is not a positive integer, and for `dropout` with
    one layer, where there is nothing for it to fall on.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,  # what follows stands elsewhere in torch.nn.RNN than in the others
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        for name, value in {"bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}.items():
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be True or False, got {value!r}")
        if dropout and num_layers == 1:
            raise ValueError(f"dropout falls between layers: num_layers must be more than 1, got dropout={dropout}")
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        self.between = keras.layers.Dropout(dropout) if dropout else None
        self.rnns = [
            keras.layers.RNN(
                self._cell(), return_sequences=True, return_state=True, go_backwards=bool(way), dtype=self.dtype_policy
            )
            for _ in range(num_layers)
            for way in range(1 + bidirectional)
        ]

    def _cell(self) -> Any:
        raise NotImplementedError

    def _options(self) -> dict[str, Any]:
        """What the cells of all three take."""
        limit = self.hidden_size**-0.5
        uniform = lambda: keras.initializers.RandomUniform(-limit, limit)
        drawn = {f"{role}_initializer": uniform() for role in ("kernel", "recurrent", "bias")}
        return {"use_bias": self.bias, "dtype": self.dtype_policy, **drawn}

    def build(self, input_shape: Any) -> None:
        width = self.input_size
        for k in range(self.num_layers):
            ways = self._ways(k)
            for rnn in ways:
                rnn.build((None, None, width))
            width = len(ways) * ways[0].cell.output_size

    def _ways(self, layer: int) -> list[Any]:
        directions = 1 + self.bidirectional
        return self.rnns[layer * directions : (layer + 1) * directions]

    def call(self, input: Any, hx: Any = None, training: Any = False) -> tuple[Any, Any]:
        if len(input.shape) != 3 or input.shape[-1] != self.input_size:
            layout = "(batch, time, {})" if self.batch_first else "(time, batch, {})"
            raise ValueError(f"input must have shape {layout.format(self.input_size)}, got {tuple(input.shape)}")
        x: Any = input if self.batch_first else ops.swapaxes(input, 0, 1)
        fields: Any = self._initial(hx, x.shape[0])
        last: list[list[Any]] = []
        for k in range(self.num_layers):
            outputs = []
            for rnn in self._ways(k):
                initial = None if hx is None else [field[len(last)] for field in fields]
                y, *state = rnn(x, initial_state=initial, training=training)
                outputs.append(ops.flip(y, axis=1) if rnn.go_backwards else y)
                last.append(state)
            x = outputs[0] if len(outputs) == 1 else ops.concatenate(outputs, axis=-1)
            if self.between is not None and k < self.num_layers - 1:
                x = self.between(x, training=training)
        states: Any = tuple(ops.stack(field) for field in zip(*last, strict=True))
        return x if self.batch_first else ops.swapaxes(x, 0, 1), states if len(states) > 1 else states[0]

    def _initial(self, hx: Any, batch: Any) -> Any:
        """The initial states, one array a field, or None; raises ValueError where a shape does not fit."""
        if hx is None:
            return None
        fields = list(hx) if isinstance(hx, list | tuple) else [hx]
        cell = self.rnns[0].cell
        widths = cell.state_size if isinstance(cell.state_size, list) else [cell.state_size]
        expected = [(len(self.rnns), batch, width) for width in widths]
        shapes = [tuple(field.shape) for field in fields]
        fits = lambda a, b: len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a, b, strict=True))
        if len(shapes) != len(expected) or not all(map(fits, shapes, expected)):
            names = "(h_0, c_0)" if len(expected) > 1 else "h_0"
            raise ValueError(f"hx must be {names} of shapes {expected} (layers x directions first), got {shapes}")
        return fields

    def get_config(self) -> dict[str, Any]:
        names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="gateproof", name="PyTorchRNN")
class RNN(_Recurrent):
    """`torch.nn.RNN`; `nonlinearity` is "tanh" or "relu"."""

    def __init__(self, *sizes: int, nonlinearity: str = "tanh", **kwargs: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(*sizes, **kwargs)

    def _cell(self) -> Any:
        two = {"use_recurrent_bias": self.bias}
        return SimpleRNNCell(self.hidden_size, activation=self.nonlinearity, **two, **self._options())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "nonlinearity": self.nonlinearity}


@keras.saving.register_keras_serializable(package="gateproof", name="PyTorchLSTM")
class LSTM(_Recurrent):
    """`torch.nn.LSTM`; with `proj_size` h is projected to that width, without a bias."""

    def __init__(self, *sizes: int, proj_size: int = 0, **kwargs: Any) -> None:
        self.proj_size = proj_size
        super().__init__(*sizes, **kwargs)
        if not 0 <= proj_size < self.hidden_size:
            raise ValueError(f"proj_size must be less than hidden_size ({self.hidden_size}), got {proj_size}")

    def _cell(self) -> Any:
        return PeepholeLSTMCell(
            self.hidden_size,
            use_recurrent_bias=self.bias,
            unit_forget_bias=False,
            use_peepholes=False,
            num_proj=self.proj_size or None,
            **self._options(),
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "proj_size": self.proj_size}


@keras.saving.register_keras_serializable(package="gateproof", name="PyTorchGRU")
class GRU(_Recurrent):
    """`torch.nn.GRU`: reset after the matmul."""

    def _cell(self) -> Any:
        return GRUCell(self.hidden_size, reset_after=True, **self._options())
