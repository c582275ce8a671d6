"""`gateproof port`: an old Keras model -> a Keras 3 model with the same numbers, proved before it is written."""

from __future__ import annotations

import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from comparisons import loading, quiet
from comparisons.cli import DONE, FAILED, MISSING, UNREADABLE, Answer, Stop

SCHEMA_VERSION = 1
SUFFIXES = (".h5", ".hdf5", ".keras")  # of the files of a folder that are ported
LARGE = 32 * 2**20  # bytes from which on a terminal sees what is being done


def answer(args: Namespace) -> Answer:
    """Port a file, or every model of a folder. Raises Stop for arguments, files or models that have no way."""
    if find_spec("keras") is None:
        raise Stop("keras must be installed for a port: pip install keras tensorflow", MISSING)
    old, new = Path(args.old), Path(args.new)
    if not old.exists():
        raise Stop(f"OLD must be a file, or a folder of them, got {args.old!r}", UNREADABLE)
    if old.is_dir() and not loading.format_of(old):  # a SavedModel is a folder, and one model
        return _folder(old, new, args)
    _target(old, new, args)
    with _witnesses() as witness:
        try:
            data = _ported(old, new, args, witness)
        except _Failure as failure:
            if failure.data is None:
                raise Stop(str(failure), failure.exit_code) from None
            data = {**failure.data, "passed": False, "error": str(failure)}
    return _answer({"schema_version": SCHEMA_VERSION, "command": "port", **data})


class _Failure(Exception):
    """Why a file is not ported, with its exit code and, of a failed proof, the report."""

    def __init__(self, sentence: str, exit_code: int, data: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.exit_code, self.data = exit_code, data


def _target(old: Path, new: Path, args: Namespace) -> None:
    if new.suffix != ".keras" or not new.parent.is_dir():
        raise Stop(f"NEW must be a .keras file in a folder that exists, got {str(new)!r}")
    if new.exists() and new.samefile(old):
        raise Stop(f"NEW must be another file than OLD, got {str(new)!r} for both")
    for target in (new, new.with_suffix(".npz"))[: 1 + args.layers_only]:
        if target.exists() and not (args.force and target.is_file()):
            raise Stop(f"NEW must be a file that is not there yet, got {str(target)!r}: --force replaces it")


def _ported(old: Path, new: Path, args: Namespace, witness: Any) -> dict[str, Any]:
    """The report of one file that is in its place. Raises _Failure."""
    with _progress(old) as progress:
        with quiet.imports():
            import_module("keras").ops.zeros(())
        from comparisons.porting import job, partial
        from comparisons.porting.parts import Refused
        from reference.files.guard import FileRefused, Limits

        order = job.Order(
            old=old,
            new=new,
            config=None if args.config is None else Path(args.config),
            limits=Limits(bytes=args.limit) if args.limit else Limits(),
            training=args.purpose == "training",
            custom=_custom(args.custom),
            seed=args.seed,
        )
        try:
            work = partial.port if args.layers_only else job.port
            with warnings.catch_warnings():  # Keras has much to say of masks; what matters is measured
                warnings.simplefilter("ignore")
                return {**work(order, witness, progress), "passed": True}
        except (FileRefused, Refused) as refused:
            raise _Failure(str(refused), UNREADABLE) from None
        except job.Unproved as unproved:
            raise _Failure(str(unproved), FAILED, unproved.data) from None
        except OSError as error:
            raise _Failure(f"NEW must be writable, got {str(new)!r}: {error.strerror}", UNREADABLE) from None


def _custom(words: list[str]) -> dict[str, Any]:
    """The classes that the user named, by their own names. Their modules are imported: the user said so."""
    import keras

    found: dict[str, Any] = {}
    for word in words:
        module, colon, name = word.partition(":")
        if not (colon and module and name.isidentifier()):
            raise Stop(f"--custom must be module:Class, got {word!r}")
        sys.path.insert(0, os.getcwd())
        try:
            chosen = getattr(import_module(module), name, None)
        except ImportError as error:
            raise Stop(f"--custom must name a module that can be imported, got {module!r}: {error}") from None
        finally:
            sys.path.remove(os.getcwd())
        if not (isinstance(chosen, type) and issubclass(chosen, keras.layers.Layer)):
            raise Stop(f"--custom must name a class of keras.layers.Layer (Keras 3), got {word!r}")
        found[name] = chosen
    return found


def _folder(old: Path, new: Path, args: Namespace) -> Answer:
    """Every model file of a folder, one after another."""
    if args.config is not None:
        raise Stop("--config must come with one file, got a folder")
    if new.exists() and not new.is_dir():
        raise Stop(f"NEW must be a folder where OLD is one, got {str(new)!r}")
    if new.exists() and new.samefile(old):
        raise Stop(f"NEW must be another folder than OLD, got {str(new)!r} for both")
    files = sorted(path for path in old.iterdir() if _is_model(path))
    if not files:
        endings = ", ".join(SUFFIXES)
        raise Stop(f"OLD must hold files that end in {endings}, or SavedModels, got none in {str(old)!r}", UNREADABLE)
    try:
        new.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(f"NEW must be a folder that can be made, got {str(new)!r}: {error.strerror}") from None
    with _witnesses() as witness:
        stems = [path.stem for path in files]
        names = [path.stem if stems.count(path.stem) == 1 else path.name for path in files]
        targets = [new / f"{name}.keras" for name in names]
        rows = [_row(path, target, args, witness) for path, target in zip(files, targets, strict=True)]
    codes = [row["exit_code"] for row in rows]
    exit_code = FAILED if FAILED in codes else max(codes)
    data = {"schema_version": SCHEMA_VERSION, "command": "port", "files": rows}
    from comparisons.render import port as render

    return Answer(data, lambda: render.folder(rows), exit_code)


def _is_model(path: Path) -> bool:
    return path.suffix in SUFFIXES if path.is_file() else loading.format_of(path) == "SavedModel"


def _row(path: Path, target: Path, args: Namespace, witness: Any) -> dict[str, Any]:
    try:
        _target(path, target, args)
        found = _ported(path, target, args, witness)
    except (_Failure, Stop) as failure:
        data = getattr(failure, "data", None) or {}
        code = FAILED if failure.exit_code == FAILED else UNREADABLE
        return {**data, "file": path.name, "exit_code": code, "passed": False, "error": str(failure)}
    return {**found, "file": path.name, "exit_code": DONE}


@contextmanager
def _witnesses() -> Iterator[Callable[[bool], Any]]:
    """Gives the process that opens what is written; the one that most models need starts at once."""
    from comparisons.porting.witness import Witness

    running = {False: Witness()}

    def witness(own: bool) -> Witness:
        if own not in running:
            running[own] = Witness(own=own)
        return running[own]

    try:
        yield witness
    finally:
        for process in running.values():
            process.close()


@contextmanager
def _progress(old: Path) -> Iterator[Callable[[str], None]]:
    """Says on a terminal what is being done, where the file is large."""
    if old.stat().st_size < LARGE or not sys.stderr.isatty():
        yield lambda doing: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"{old.name}: importing keras")
        yield lambda doing: shown.update(task, description=f"{old.name}: {doing}")


def _answer(data: dict[str, Any]) -> Answer:
    from comparisons.render import port as render

    return Answer(data, lambda: render.report(data), DONE if data["passed"] else FAILED)
