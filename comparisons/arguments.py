"""The arguments of every command of `gateproof`."""

from __future__ import annotations

import argparse
import re
from argparse import ArgumentParser
from collections.abc import Callable
from typing import NamedTuple

DIGITS = 1000  # of an integer argument: Python prints no more than 4300, and a count multiplies three or four
NUMBERS = 10**8  # in the sequences of a bench's shape, or in its weights: some arrays of so many fit into memory


def positive(text: str) -> int:
    """An argument's type: a positive integer, written in digits."""
    if len(text) > DIGITS:
        raise argparse.ArgumentTypeError(f"must have at most {DIGITS} digits, got {len(text)}")
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return int(text)


def shape(text: str) -> tuple[int, ...]:
    """An argument's type: batch, time, inputs and units."""
    if not re.fullmatch(r"0*[1-9]\d{0,8}(,0*[1-9]\d{0,8}){3}", text, re.ASCII):
        rule = "must be batch,time,inputs,units, positive integers such as 32,100,64,128"
        raise argparse.ArgumentTypeError(f"{rule}, got {text!r}")
    B, T, X, H = (int(number) for number in text.split(","))
    if (largest := max(B * T, H) * (X + H)) > NUMBERS:
        raise argparse.ArgumentTypeError(f"must need at most {NUMBERS:,} numbers at once, got {text!r}: {largest:,}")
    return B, T, X, H


def seed(text: str) -> int:
    """An argument's type: what NumPy and Keras both take as a seed."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to {2**32 - 1}, got {text!r}")
    return int(text)


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
    add("name", metavar="NAME", choices=STUDIES, help="; ".join(f"{name}: {s.summary}" for name, s in STUDIES.items()))
    add("--quick", action="store_true", help="small layers, short sequences, few seeds: seconds, and coarser numbers")
    add("--seed", type=seed, default=0, metavar="N", help="of every draw (default: 0)")
    add("--out", metavar="DIR", help="where pictures, numbers and the page go (default: study-NAME)")


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
}
