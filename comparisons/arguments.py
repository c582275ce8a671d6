"""The arguments of every command of `gateproof`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import NamedTuple

from comparisons.argument_types import index, positive, seed, shape, stretch


def reading(parser: ArgumentParser) -> None:
    """The arguments of a command that reads a file of weights."""
    parser.add_argument("--config", metavar="JSON", help="the model's config, where the file has weights only")
    parser.add_argument("--limit", type=positive, metavar="BYTES", help="of all its arrays together (default: 1 GiB)")


def params(parser: ArgumentParser) -> None:
    """The arguments of `gateproof params`."""
    add = parser.add_argument
    add("cell", metavar="CELL", help="simple_rnn, lstm, gru, cifg … (every cell of the project), or a file")
    add("--inputs", type=positive, metavar="N", help="numbers that a time step brings (X)")
    add("--units", type=positive, metavar="N", help="units of the cell (H)")
    add("--budget", type=positive, metavar="N", help="in place of --units: the most units that fit in N parameters")
    add("--convention", default="keras", metavar="C", help="keras (default), keras2, tf1, pytorch, onnx, cudnn, flax …")
    add("--no-bias", action="store_true", help="count without biases")
    add("--reset-before", action="store_true", help="gru: reset before the matmul (Keras' reset_after=False)")
    add("--reset-after", action="store_true", help="gru: reset after the matmul")
    add("--projection", type=positive, metavar="N", help="peephole_lstm, jordan: what the output is projected to")
    add("--peepholes", action="store_true", help="cifg: with peepholes")
    add("--no-peepholes", action="store_true", help="peephole_lstm: without them")
    add("--cells-per-block", type=positive, default=1, metavar="N", help="lstm: cells that share their gates")
    add("--variant", metavar="NAME", help="greff_lstm: V (default), NIG, NFG, NOG, NIAF, NOAF, CIFG, NP or FGR")
    add("--layers", type=positive, default=1, metavar="N", help="stacked layers (default 1)")
    add("--bidirectional", action="store_true", help="two directions in every layer")
    add("--explain", action="store_true", help="gate by gate, and why the conventions differ")
    add("--all", action="store_true", help="every cell in every convention, side by side")
    reading(parser)


def compare(parser: ArgumentParser) -> None:
    """The arguments of `gateproof compare`."""
    add = parser.add_argument
    add("--cells", nargs="+", metavar="CELL", help="only these (default: the whole family)")
    add("--case", action="append", metavar="NAME", help="only this case, by its name in the report; repeatable")
    add("--frameworks", nargs="+", metavar="NAME", help="only these (default: all that are installed)")
    add("--all", action="store_true", help="every case, also those that vary what another shows")
    add("--data", metavar="FILE", help="your own series: .npy, .npz or .csv, a row a time step, a column a feature")
    add("--out", default="report", metavar="DIR", help="where the report and its pictures go (default: report)")
    add("--seed", type=seed, default=0, metavar="N", help="of the draws and the training (default: 0)")


def check(parser: ArgumentParser) -> None:
    """The arguments of `gateproof check`."""
    add = parser.add_argument
    add(
        "implementations",
        nargs="*",
        metavar="IMPLEMENTATION",
        help="FILE.py:FUNCTION (default: step), a .js file, an executable, or a folder of them",
    )
    add("--exec", metavar="COMMAND", help="a program that speaks the protocol of docs/grading.md, with its arguments")
    add("--cell", required=True, metavar="CELL", help="lstm, gru, simple_rnn … (every cell of the project)")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="under Keras' name; repeatable")
    add("--sequence", action="store_true", help="Python functions take x (batch, time, inputs); default name: layer")
    add("--seconds", type=positive, default=30, metavar="N", help="for all cases of one program (default: 30)")


def frameworks(parser: ArgumentParser) -> None:
    """`gateproof frameworks` takes none."""


def convert(parser: ArgumentParser) -> None:
    """The arguments of `gateproof convert`."""
    add = parser.add_argument
    add("source", nargs="?", metavar="IN", help="a model's file; with --from, arrays by name: .npz or .safetensors")
    add("target", nargs="?", metavar="OUT", help="where the converted arrays go: .npz or .safetensors")
    add("--from", dest="origin", metavar="NAME", help="whose arrays IN holds: keras, pytorch, onnx, tf1 …")
    add("--layer", metavar="PATH", help="which layer of a model's file")
    add("--to", metavar="NAME", help="whose arrays OUT gets")
    add("--cell", metavar="CELL", help="the cell, where the arrays do not show it: lstm, gru, simple_rnn …")
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an attribute of the layer in IN; repeatable",
    )
    add("--prefix", default="", metavar="TEXT", help="only the arrays whose names begin so, and without it")
    add("--matrix", action="store_true", help="in place of a conversion: what each one promises, found by running it")
    reading(parser)


def port(parser: ArgumentParser) -> None:
    """The arguments of `gateproof port`."""
    add = parser.add_argument
    add("old", metavar="OLD", help="a model of Keras 1 or 2 (.h5, .keras, SavedModel), or a folder of them")
    add("new", metavar="NEW", help="the .keras file to write, or the folder for them")
    add(
        "--for",
        dest="purpose",
        choices=("inference", "training"),
        default="inference",
        help="training: keep hard_sigmoid's weights as they are, in this project's cells (default: inference)",
    )
    add("--custom", action="append", default=[], metavar="MODULE:CLASS", help="import a class of your own; repeatable")
    add("--layers-only", action="store_true", help="port the recurrent layers; the rest goes into an .npz beside NEW")
    add("--force", action="store_true", help="replace NEW where it is there already")
    add("--seed", type=seed, default=0, metavar="N", help="of the drawn inputs (default: 0)")
    reading(parser)


def bench(parser: ArgumentParser) -> None:
    """The arguments of `gateproof bench`."""
    add = parser.add_argument
    add(
        "parts",
        nargs="*",
        metavar="PART",
        help="training, forward, memory, growth (with T and H), reference (NumPy); default: all, some ten minutes",
    )
    add(
        "--cells",
        nargs="+",
        metavar="CELL",
        help="lstm, gru, simple_rnn (default: lstm gru; memory and growth: the first)",
    )
    add("--shapes", nargs="+", type=shape, metavar="B,T,X,H", help="of training and forward (default: four shapes)")
    add("--rounds", type=positive, metavar="N", help="the most rounds of a row (default: 15)")
    add("--quick", action="store_true", help="tiny shapes and two rounds: only to see that all works")
    add("--out", default="bench", metavar="DIR", help="where the numbers and the pictures go (default: bench)")


def study(parser: ArgumentParser) -> None:
    """The arguments of `gateproof study`."""
    from comparisons.studies import STUDIES

    add = parser.add_argument
    add(
        "name",
        metavar="NAME",
        choices=STUDIES,
        help="\n".join(f"{name}: {s.summary} ({s.takes})" for name, s in STUDIES.items()),
    )
    add("--quick", action="store_true", help="small layers, short sequences, few seeds: seconds, and coarser numbers")
    add("--data", metavar="FILE", help="sentiment: texts of your own with their labels")
    add("--text", metavar="FILE", help="next-character: a text of your own")
    add("--seed", type=seed, default=0, metavar="N", help="of every draw (default: 0)")
    add("--out", metavar="DIR", help="where pictures, numbers and the page go (default: study-NAME)")


def trace(parser: ArgumentParser) -> None:
    """The arguments of `gateproof trace`."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a model's file or weights, of any framework and era that can be read")
    add("--inputs", metavar="FILE", help="what it is given: .npy, .npz or .csv (a row a time step)")
    add("--text", metavar="TEXT", help="in place of --inputs: characters or words, by --vocabulary")
    add("--vocabulary", metavar="FILE", help=".json (a list, or texts and indices), or a text whose characters it has")
    add("--layer", metavar="PATH", help="only this recurrent layer (default: all of them)")
    add("--layer-inputs", action="store_true", help="the inputs are those of the layer itself and not of the model")
    add("--out", default="trace", metavar="DIR", help="where the numbers and the pictures go (default: trace)")
    add("--row", type=index, default=0, metavar="K", help="which row of the batch is drawn (default: 0)")
    add("--unit", type=index, metavar="K", help="which unit is followed (default: the one whose state moves farthest)")
    add("--steps", type=stretch, metavar="A:B", help="which steps of the input are drawn (default: all)")
    add("--sort", choices=("unit", "half-life"), default="unit", help="of the units in the pictures (default: unit)")
    add("--no-pictures", action="store_true", help="only the numbers")
    add("--dtype", choices=("float16", "float32", "float64"), help="to compute in (default: that of the weights)")
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an attribute of the layers that the file does not say; repeatable",
    )
    reading(parser)


def vectors(parser: ArgumentParser) -> None:
    """The arguments of `gateproof vectors`."""
    add = parser.add_argument
    add("--out", required=True, metavar="DIR", help="the folder to write them into")
    add("--cells", nargs="+", metavar="CELL", help="only these (default: the whole family)")
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="in place of the standard sets, one of each cell with this option; repeatable",
    )
    add("--decimal", action="store_true", help="numbers as JSON has them, in place of hex floats in strings")


def diagnose(parser: ArgumentParser) -> None:
    """The arguments of `gateproof diagnose`."""
    add = parser.add_argument
    add("--weights", required=True, metavar="FILE", help="arrays, named or not (.npz, .safetensors), or a model's file")
    add("--inputs", metavar="FILE", help="a sequence: .npy, .npz or .csv, (batch, time, inputs) or (time, inputs)")
    add("--outputs", metavar="FILE", help="what the real thing gave on it, at every step or at the last")
    add("--initial-state", metavar="FILE", help="what it began with, where that is not zeros: .npz with h (and c)")
    add("--states", metavar="FILE", help="its states over time, where they are known: .npz with c, or h and c")
    add(
        "--gates",
        metavar="FILE",
        help="its intermediate values: .npz by letter (i f g o, z r n, h, c), as trace writes",
    )
    add("--cell", metavar="CELL", help="lstm, peephole_lstm, gru or simple_rnn (default: whatever the shapes allow)")
    add("--framework", metavar="NAME", help="as whose arrays you read them: keras, pytorch, onnx, tf1 …")
    add("--layer", metavar="PATH", help="which layer of a model's file, or of --gates")
    add("--prefix", default="", metavar="TEXT", help="only the arrays whose names begin so, and without it")
    add("--write-inputs", metavar="FILE", help="where explanations cannot be told apart, inputs that would: .npy")
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an attribute of the layer that is known; repeatable",
    )
    reading(parser)


class Command(NamedTuple):
    summary: str
    arguments: Callable[[ArgumentParser], None]
    example: str


COMMANDS = {
    "bench": Command(
        "time the layers and the reference beside what else is installed, and compare them as ratios",
        bench,
        "gateproof bench training --cells lstm --out bench",
    ),
    "check": Command(
        "grade your own cell, a function or a program, against the reference, and name its mistake",
        check,
        "gateproof check my.py:step --cell lstm",
    ),
    "compare": Command(
        "prove on real input that the cells and the frameworks compute the same numbers",
        compare,
        "gateproof compare --cells lstm gru --out report",
    ),
    "convert": Command(
        "convert one framework's weights to another's, and prove it before anything is written",
        convert,
        "gateproof convert lstm.npz keras.npz --from pytorch --to keras",
    ),
    "diagnose": Command(
        "find out which convention differs, from weights, an input sequence and the outputs of the real thing",
        diagnose,
        "gateproof diagnose --weights w.npz --inputs x.npy --outputs y.npy --framework keras",
    ),
    "frameworks": Command(
        "list the frameworks that can be compared, what each needs, and which cases it can run",
        frameworks,
        "gateproof frameworks",
    ),
    "params": Command(
        "count the parameters of a cell or of a file's layers, and say why there are so many",
        params,
        "gateproof params lstm --inputs 128 --units 256 --explain",
    ),
    "port": Command(
        "port a model of Keras 1 or 2 to Keras 3 with the same numbers, and prove it before it is written",
        port,
        "gateproof port old.h5 new.keras",
    ),
    "study": Command(
        "show with pictures and numbers what recurrent cells do",
        study,
        "gateproof study gradients --out study-gradients",
    ),
    "trace": Command(
        "show what a model's gates and states do with an input, step by step, in numbers and pictures",
        trace,
        "gateproof trace model.keras --inputs x.npy --out trace",
    ),
    "vectors": Command(
        "write the cases of `gateproof check` as files that any project can run without this one",
        vectors,
        "gateproof vectors --out vectors --cells lstm gru",
    ),
}
