"""What every cell shares, once: arguments, weights, initialisers, dropout, config.

A cell's own file holds its equation, the letters of its gates, and which arguments it takes.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ClassVar

import keras
from keras import ops
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell  # RNN finds a cell's dropout by this class alone

from cells import activations

# Every argument that a cell of Keras 3.15 takes after `units`, in the order of Keras' own signatures, with its default.
# None of those in OPTIONAL is taken unless a cell asks for it.
ARGUMENTS = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
    "unit_forget_bias": True,
    "kernel_regularizer": None,
    "recurrent_regularizer": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "recurrent_constraint": None,
    "bias_constraint": None,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "reset_after": True,
    "seed": None,
}
OPTIONAL = {"recurrent_activation", "unit_forget_bias", "reset_after"}

# How an argument is read and written, by the last word of its name.
READ: dict[str, Callable[[Any], Any]] = {
    "activation": activations.get,
    "initializer": keras.initializers.get,
    "regularizer": keras.regularizers.get,
    "constraint": keras.constraints.get,
    "dropout": lambda rate: min(1.0, max(0.0, rate)),
}
WRITE: dict[str, Callable[[Any], Any]] = {
    "activation": keras.activations.serialize,
    "initializer": keras.initializers.serialize,
    "regularizer": keras.regularizers.serialize,
    "constraint": keras.constraints.serialize,
}


def _same(value: Any) -> Any:
    return value


class GatedCell(keras.layers.Layer, DropoutRNNCell):
    """A cell whose gates stand side by side in `kernel (X, G·H)`, `recurrent_kernel (H, G·H)` and `bias (G·H,)`.

    A subclass sets `gates` and `states` (a letter each), `takes` (which of OPTIONAL) and `adds` (arguments of its own,
    with their defaults), and writes `call`; one with weights of its own adds them in `build`, one whose gates are not
    all as wide as its units has `widths`. Drop-in for Keras 3.15's cells: the same arguments in the same order, weight
    names, shapes and config. An argument whose default is None may be None; every other None is what Keras makes of it.

    Raises ValueError when `units` is not a positive integer.
    """

    gates: ClassVar[str]
    states: ClassVar[str] = "h"
    takes: ClassVar[frozenset[str]] = frozenset()
    adds: ClassVar[Mapping[str, Any]] = {}
    arguments: ClassVar[dict[str, Any]]
    signature: ClassVar[inspect.Signature]

    units: int
    activation: Callable[[Any], Any]
    recurrent_activation: Callable[[Any], Any]
    use_bias: bool
    kernel: Any
    recurrent_kernel: Any
    bias: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give a class that declares arguments a constructor that shows them."""
        super().__init_subclass__(**kwargs)
        if not {"gates", "takes", "adds"} & vars(cls).keys():
            return
        cls.arguments = {k: v for k, v in ARGUMENTS.items() if k not in OPTIONAL or k in cls.takes} | dict(cls.adds)
        named = inspect.Parameter.POSITIONAL_OR_KEYWORD
        cls.signature = inspect.Signature(
            [inspect.Parameter(name, named) for name in ("self", "units")]
            + [inspect.Parameter(name, named, default=default) for name, default in cls.arguments.items()]
            + [inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)]
        )
        if "__init__" not in vars(cls):

            def __init__(self: GatedCell, *args: Any, **kwargs: Any) -> None:
                GatedCell.__init__(self, *args, **kwargs)

            __init__.__signature__ = cls.signature  # type: ignore[attr-defined]
            cls.__init__ = __init__

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        values = self.signature.bind(self, *args, **kwargs)
        values.apply_defaults()
        units, layer_arguments = values.arguments["units"], values.arguments["kwargs"]
        implementation = layer_arguments.pop("implementation", 2)
        if isinstance(units, bool) or not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"units must be a positive integer, got {units!r}")
        if implementation not in (0, 1, 2):  # 0 stands in old configs; Keras 3 runs it as 2
            raise ValueError(f"implementation must be 1 (a matmul a gate) or 2 (one for all), got {implementation!r}")
        if values.arguments.get("use_recurrent_bias") and not values.arguments["use_bias"]:
            raise ValueError("use_recurrent_bias must come with use_bias, whose second row it is, got use_bias=False")
        if not isinstance(values.arguments.get("forget_bias", 0), Real):
            raise ValueError(f"forget_bias must be a number, got {values.arguments['forget_bias']!r}")
        super().__init__(**layer_arguments)
        self.units = units = operator.index(units)
        # A seed that is not given is drawn: in Keras' SimpleRNN before those of the initialisers, in its others after.
        early = keras.random.SeedGenerator(values.arguments["seed"]) if len(self.gates) == 1 else None
        for name, default in self.arguments.items():
            value = values.arguments[name]
            read = _same if value is None is default else READ.get(name.rsplit("_")[-1], _same)
            setattr(self, name, read(value))
        # Recurrent dropout makes Keras draw a mask a gate, for the inputs too; otherwise there is one mask for all.
        self.implementation = 1 if self.recurrent_dropout else implementation
        if self.implementation == 1 and len(self.gates) > 1:
            self.dropout_mask_count = len(self.gates)
        self.seed_generator = early or keras.random.SeedGenerator(self.seed)
        self.output_size = self.recurrent_dim
        self.state_size = [self.recurrent_dim] + [units] * (len(self.states) - 1)
        if len(self.states) == 1:
            self.state_size = self.output_size

    @property
    def widths(self) -> tuple[int, ...]:
        """The columns of each gate."""
        return (self.units,) * len(self.gates)

    @property
    def recurrent_dim(self) -> int:
        """The width of the output, which is what the recurrence carries."""
        return self.units

    @property
    def two_biases(self) -> bool:
        """Whether `bias` is `(2, C)`: a row for the inputs' product, and one for the state's."""
        return getattr(self, "use_recurrent_bias", False)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        columns = sum(self.widths)
        self.kernel = self._weight("kernel", (input_shape[-1], columns))
        self.recurrent_kernel = self._weight("recurrent", (self.recurrent_dim, columns), name="recurrent_kernel")
        shape = (2, columns) if self.two_biases else (columns,)
        self.bias = self._weight("bias", shape, self._initial_bias()) if self.use_bias else None

    def _weight(self, role: str, shape: tuple[int, ...], initializer: Any = None, name: str | None = None) -> Any:
        return self.add_weight(
            shape=shape,
            name=name or role,
            initializer=initializer or getattr(self, f"{role}_initializer"),
            regularizer=getattr(self, f"{role}_regularizer", None),
            constraint=getattr(self, f"{role}_constraint", None),
        )

    def _initial_bias(self) -> Any:
        """Ones for the forget gate where `unit_forget_bias` asks for them; None: `bias_initializer`, as it is."""
        if not getattr(self, "unit_forget_bias", False):
            return None
        at = self.gates.index("f")
        before, f, after = sum(self.widths[:at]), self.widths[at], sum(self.widths[at + 1 :])

        def initializer(_: Any, *args: Any, **kwargs: Any) -> Any:
            drawn = lambda width: self.bias_initializer((width,), *args, **kwargs)
            ones = keras.initializers.Ones()((f,), *args, **kwargs)
            bias = ops.concatenate([drawn(before), ones, drawn(after)])
            return ops.stack([bias, drawn(before + f + after)]) if self.two_biases else bias

        return initializer

    def split(self, a: Any, gates: int | None = None) -> Any:
        """`(…, C)` -> one array a gate; of neighbouring gates alone where their number is given."""
        if len(set(self.widths)) == 1:
            return ops.split(a, gates or len(self.gates), axis=-1)
        return ops.split(a, [sum(self.widths[:k]) for k in range(1, len(self.gates))], axis=-1)

    def biases(self) -> tuple[Any, Any]:
        """What is added to the inputs' product, and to the state's."""
        return (self.bias[0], self.bias[1]) if self.use_bias and self.two_biases else (self.bias, None)

    def affine(self, inputs: Any, h: Any, training: Any) -> Any:
        """x W + h U + b `(B, C)`, with the dropout of both."""
        b, d = self.biases()
        return self.project(inputs, training, b) + self.recur(h, training, bias=d)

    def masks(self, x: Any, training: Any, *, recurrent: bool = False) -> Any:
        """The dropout masks of a sequence, drawn once: None, one, or a list of one a gate."""
        rate = self.recurrent_dropout if recurrent else self.dropout
        if not training or (rate == 1 and len(self.gates) > 1):  # at 1, Keras drops all in SimpleRNN, else nothing
            return None
        return self.get_recurrent_dropout_mask(x) if recurrent else self.get_dropout_mask(x)

    def project(self, inputs: Any, training: Any, bias: Any) -> Any:
        """x W + b `(B, G·H)`, with the inputs' dropout."""
        xw = self._matmul(inputs, self.kernel, self.masks(inputs, training))
        return xw if bias is None else xw + bias

    def recur(self, h: Any, training: Any, gates: str | None = None, bias: Any = None) -> Any:
        """h U + d `(B, G·H)`, or of those neighbouring gates alone, with the state's dropout."""
        kernel, masks = self.recurrent_kernel, self.masks(h, training, recurrent=True)
        if gates is not None:
            first = self.gates.index(gates)
            last = first + len(gates)
            kernel = kernel[:, first * self.units : last * self.units]
            masks = masks and masks[first:last]
        hu = self._matmul(h, kernel, masks)
        return hu if bias is None else hu + bias

    def _matmul(self, x: Any, kernel: Any, masks: Any) -> Any:
        # Not ops.matmul, which multiplies float64 in float32 on the PyTorch backend (keras.backend.result_type).
        x = ops.cast(x, kernel.dtype)
        if masks is None:
            return x @ kernel
        if not isinstance(masks, list):
            return (x * masks) @ kernel
        parts = zip(masks, self.split(kernel, len(masks)), strict=True)
        return ops.concatenate([(x * mask) @ part for mask, part in parts], axis=-1)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros, one `(B, H)` a state."""
        widths = [self.recurrent_dim] + [self.units] * (len(self.states) - 1)
        return [ops.zeros((batch_size, width), dtype=self.compute_dtype) for width in widths]

    def get_config(self) -> dict[str, Any]:
        own = {}
        for name in self.arguments:
            value = getattr(self, name)
            own[name] = value if value is None else WRITE.get(name.rsplit("_")[-1], _same)(value)
        return {**super().get_config(), "units": self.units, **own}
