"""The `gateproof` command: parses and prints, computes nothing.

A command is an entry of `comparisons.arguments.COMMANDS`, and the module of its name in `comparisons/commands`, which
is imported when the command runs. There `answer(args)` does the work and returns an `Answer`, or raises `Stop` with one
sentence. `--json` and the exit codes are the same for all.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from textwrap import wrap
from typing import Any, NamedTuple, NoReturn

from comparisons.arguments import COMMANDS

DONE, FAILED, USAGE, UNREADABLE, MISSING = range(5)  # exit codes; 130: interrupted
MEANING = "0 done, 1 a comparison failed, 2 usage, 3 a file cannot be read, 4 a framework is missing"


class Answer(NamedTuple):
    """What a command found: `data` for --json, with its `schema_version`; `text()` gives lines and rich renderables."""

    data: dict[str, Any]
    text: Callable[[], Iterable[Any]]
    exit_code: int = DONE


class Stop(Exception):
    """Why a command cannot do its work, in one sentence: what must rule, got value, and the way out."""

    def __init__(self, sentence: str, exit_code: int = USAGE) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Parser(argparse.ArgumentParser):
    """argparse, with a usage error in one sentence that names the argument, the rule and the value."""

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"^argument (\S+): ", r"\1 ", " ".join(message.split()))
        if choice := re.search(r"invalid choice: (.*) \(choose from (.*)\)$", message):
            names = choice[2].replace("'", "")  # some Pythons quote them
            message = f"{message[: choice.start()]}must be one of {names}, got {choice[1]}"
        message = re.sub(r"^the following arguments are required: (.*)$", r"\1 must be given", message)
        self.exit(USAGE, f"{self.prog}: {message}; see '{self.prog} --help'\n")

    def parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        args, unknown = self.parse_known_args(argv)
        if unknown:  # parse_args would send its reader to the help of all commands
            args.parser.error(f"unknown argument {unknown[0]!r}")
        return args


class Help(argparse.HelpFormatter):
    """argparse's, that keeps a help's own lines, and breaks none at a hyphen: names have them."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [line for own in text.splitlines() for line in wrap(own, width, break_on_hyphens=False)]


class Version(argparse.Action):
    """--version, which looks the version up only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"gateproof {version('gateproof')}")
        except PackageNotFoundError:
            print("gateproof, not installed")
        parser.exit()


def parser() -> Parser:
    """The parser of the whole command line."""
    top = Parser(
        prog="gateproof",
        description="Prove that two recurrent cells compute the same function, or find out exactly why they do not.",
        epilog=f"Exit codes: {MEANING}.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=f"Example: {command.example}",
            allow_abbrev=False,
            formatter_class=Help,
        )
        sub.set_defaults(parser=sub)
        command.arguments(sub)
        sub.add_argument("--json", action="store_true", help="everything, as JSON with a schema_version")
    return top


def answer(args: argparse.Namespace) -> Answer:
    """Do the work of the command that the arguments name."""
    return import_module(f"comparisons.commands.{args.command}").answer(args)


def _write(found: Answer, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(found.data, indent=2))
        return
    for part in found.text():
        print(part if isinstance(part, str) else _drawn(part), flush=True)  # rich flushes too, and exits if it cannot


def _drawn(renderable: Any) -> str:
    """What rich makes of a table: plain and as wide as needed in a pipe or a file, in colour at a terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    with console.capture() as drawn:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in drawn.get().splitlines())


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """A reader such as `head` that closes the pipe ends the output, not the command."""
    try:
        yield
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        if not isinstance(error, BrokenPipeError):
            raise Stop(f"the output must be writable, got {error.strerror!r}", UNREADABLE) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    prog = "gateproof"
    try:
        with _reader_may_leave():
            try:
                args = parser().parse(argv)
            except SystemExit as parsed:  # argparse has printed the help or the error
                return int(parsed.code or DONE)
        prog = f"gateproof {args.command}"
        found = answer(args)
        with _reader_may_leave():
            _write(found, args.json)
    except Stop as stop:
        print(f"{prog}: {stop}", file=sys.stderr)
        return stop.exit_code
    except KeyboardInterrupt:
        return 130
    return found.exit_code
