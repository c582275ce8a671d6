"""The verdict on an implementation: every case answered, judged, and its mistake named."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from comparisons.grading import processes, protocol
from comparisons.grading.cases import Graded
from comparisons.grading.implementations import Implementation
from comparisons.grading.judging import PRECISIONS, Departure, departure, judge
from comparisons.proof.measure import Distance
from reference import steps
from reference.files.guard import shown

if TYPE_CHECKING:
    from comparisons.diagnosis import Diagnosis

Array = NDArray[Any]

SECONDS = 30.0  # for all cases together: an import of TensorFlow is in it
ASKED = 3  # failed cases about which the diagnosis is asked, at most, while their numbers have several explanations


@dataclass(frozen=True)
class Answered:
    """A case: as it was judged in every precision, or why it was not."""

    case: Graded
    states: Mapping[str, Array] = field(default_factory=dict, repr=False)
    judged: Mapping[str, Distance] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Grade:
    """An implementation's grade. `precision` is the finest that it keeps to, or the coarsest where it keeps to none;
    `problem` says why there are no answers, or too many."""

    implementation: Implementation
    answered: tuple[Answered, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    diagnosis: Diagnosis | None = None

    @property
    def precision(self) -> str:
        keeps = lambda dtype: all(a.judged[dtype].passed for a in self.answered if a.judged)
        return next((dtype for dtype in PRECISIONS if keeps(dtype)), PRECISIONS[-1])

    def judged(self, answered: Answered) -> Distance | None:
        """A case in the precision of the grade; None where it was not answered."""
        return answered.judged.get(self.precision)

    def case_passed(self, answered: Answered) -> bool:
        """Whether a case was answered within its bounds."""
        found = self.judged(answered)
        return found is not None and found.passed

    def departure(self, answered: Answered) -> Departure | None:
        """Where a case departs first, if it was answered."""
        return departure(answered.case, answered.states, self.precision) if answered.judged else None

    @property
    def passed(self) -> bool:
        return not self.problem and bool(self.answered) and all(map(self.case_passed, self.answered))


def grade_all(
    implementations: Sequence[Implementation],
    cases: Sequence[Graded],
    *,
    seconds: float = SECONDS,
    progress: Callable[[str, int], None] = lambda doing, of: None,
) -> Iterator[Grade]:
    """Grade one implementation after another, while the next ones' programs run already."""
    lines = "".join(f"{protocol.line(case)}\n" for case in cases)
    programs = processes.Programs()
    with ThreadPoolExecutor(min(len(implementations), os.cpu_count() or 1)) as pool:
        running = [pool.submit(_graded, one, programs, cases, lines, seconds) for one in implementations]
        try:
            for implementation, grade in zip(implementations, running, strict=True):
                progress(implementation.name, len(implementations))
                yield diagnosed(grade.result())
        finally:  # interrupted, perhaps
            pool.shutdown(wait=False, cancel_futures=True)
            programs.end()


def _graded(one: Implementation, programs: processes.Programs, cases: Sequence[Graded], *given: Any) -> Grade:
    """An implementation's grade; of a Python function that is right for rows and wrong for batches, that of rows."""
    grade = _answers(one, programs, cases, *given)
    if not one.python or grade.passed or grade.problem or any("row" in note for note in grade.notes):
        return grade
    rows = _answers(one, programs, cases, *given, "batch of one", "row")
    if not rows.passed:
        return grade
    return replace(rows, notes=("it is right for one row at a time, and wrong for a batch of them", *rows.notes[1:]))


def _answers(
    one: Implementation, programs: processes.Programs, cases: Sequence[Graded], lines: str, seconds: float, *modes: str
) -> Grade:
    """Run a program on the cases, and judge its answers."""
    if one.missing:
        return Grade(one, problem=one.missing)
    most = 1_000_000 + 100 * sum(case.time * s.size for case in cases for s in case.state.values())
    try:
        ran = programs.run([*one.command, *modes], lines, len(cases), seconds, most)
    except processes.NotStarted as error:
        return Grade(one, problem=str(error))
    if ran.lines and (fatal := protocol.fatal(ran.lines[0])):
        return Grade(one, problem=fatal)
    answered: list[Answered] = []
    notes: list[str] = []  # the last answer's, which knows of all before
    for case, line in zip(cases, ran.lines, strict=False):
        try:
            states, notes = protocol.answer(line, case)
        except protocol.BadAnswer as error:
            answered.append(Answered(case, error=str(error)))
            continue
        answered.append(Answered(case, states, {dtype: judge(case, states, dtype) for dtype in PRECISIONS}))
    problem, note = _end(ran, len(cases))
    return Grade(one, tuple(answered), (*notes, *note), problem)


def _end(ran: processes.Ran, cases: int) -> tuple[str, list[str]]:
    """What is wrong with how a program ended, in one sentence, or "" where nothing is; and what is to be noted."""
    answers = len(ran.lines)
    where = f"; it answered {answers} of {cases} cases"
    if ran.stopped:
        return ran.stopped + where, []
    if answers > cases:
        return f"its answers must be one line a case, {cases}, got {answers} lines", []
    how = "it ended"
    if ran.code is None:
        how = "it did not end at the end of its input"
    elif ran.code:
        how = f"it ended with exit status {ran.code}" if ran.code > 0 else f"it was ended by {_signal(-ran.code)}"
    if answers == cases:
        return "", [how] if ran.code != 0 else []
    last = [line for line in ran.stderr.splitlines() if line.strip()]
    said = f"; the end of its standard error: {shown(last[-1].strip())!r}" if last else ""
    return how + where + said, []


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _unwritten(failed: Sequence[Answered]) -> str:
    """What a step does that is not written yet; "" where it does more."""
    fields = [(s, a.case.state[name][:, None]) for a in failed for name, s in a.states.items() if name in a.case.state]
    if all((s == 0).all() for s, _ in fields):
        return "it gives nothing but zeros"
    return "it gives back the state that it is given" if all((s == first).all() for s, first in fields) else ""


def diagnosed(grade: Grade) -> Grade:
    """A grade with the mistake's name: of the failed cases, those that show most are asked about."""
    from comparisons.diagnosis import mistakes

    failed = [a for a in grade.answered if a.judged and not grade.case_passed(a)]
    failed = [a for a in failed if all(np.isfinite(s).all() for s in a.states.values())]
    if (still := _unwritten(failed)) and failed:  # with numbers in which nothing can be seen there is nothing to ask
        return replace(grade, notes=(*grade.notes, still))
    # The longest run shows most; from zeros, its first step shows the inputs' part alone, which is soon explained.
    failed.sort(key=lambda a: (any(s.any() for s in a.case.state.values()), -a.case.time))
    found: list[Diagnosis] = []
    for a in failed[:ASKED]:
        fields = steps.module(a.case.layer.cell).State._fields
        states = tuple(a.states.get(name) for name in fields)
        outputs = a.states[fields[0]]
        found.append(mistakes(a.case.layer, a.case.x, outputs, initial_state=a.case.whole_state, states=states))
        if found[-1].verdict != "ambiguous":
            break
    best = sorted(found, key=lambda d: ("unique", "ambiguous", "none").index(d.verdict))
    return replace(grade, diagnosis=best[0] if best else None)
