"""What an argument on the command line may be: each takes its text, and gives the value or says the rule."""

from __future__ import annotations

import argparse
import re

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


def index(text: str) -> int:
    """An argument's type: 0, 1, 2 …, written in digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise argparse.ArgumentTypeError(f"must be 0, 1, 2 …, got {text!r}")
    return int(text)


def stretch(text: str) -> tuple[int, int]:
    """An argument's type: the first step, and the one after the last."""
    found = re.fullmatch(r"(\d{1,10}):(\d{1,10})", text, re.ASCII)
    if not found or int(found[1]) >= int(found[2]):
        raise argparse.ArgumentTypeError(f"must be BEGIN:END, such as 0:100, got {text!r}")
    return int(found[1]), int(found[2])
