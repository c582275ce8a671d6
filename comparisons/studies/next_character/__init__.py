"""`gateproof study next-character`: two sentences of five characters, and a text: one-hot, learned, written, traced."""

from __future__ import annotations

from comparisons.studies.next_character.five import SEEN, learned_part, steps_part
from comparisons.studies.next_character.learned import text_part, unit_part
from comparisons.studies.next_character.sentence import MEMORYLESS, MODELS, TASKS, measure
from comparisons.studies.next_character.text import read
from comparisons.studies.next_character.training import QUICK, Sizes, by_counting
from comparisons.studies.next_character.training import measure as learn
from comparisons.studies.part import Part
from comparisons.studies.work import Piece, Work

FIVE = {True: (50, 2), False: (120, 21)}  # steps and seeds of the two sentences, in a quick run and in a full one


def run(work: Work) -> list[Part]:
    """All parts. Raises UnreadableData, in one sentence, for a text that does not fit."""
    sizes = QUICK if work.quick else Sizes()
    path: str | None = work.options.get("text")
    text = read(path, sizes.characters)
    steps, seeds = FIVE[work.quick]
    order = (SEEN, *(name for name in (*MODELS, MEMORYLESS) if name != SEEN))
    small = {
        (task, name): Piece(measure, {"task": task, "network": name, "steps": steps, "seed": work.seed, "seeds": seeds})
        for task in TASKS
        for name in order
    }
    same = {"path": path, "digest": text.digest, "quick": work.quick}
    large = {
        name: {
            f"text, {name}, seed {n}": Piece(learn, {"name": name, **same, "seed": work.seed, "n": n})
            for n in range(sizes.seeds)
        }
        for name in sizes.networks
    }
    found = work.each(
        {name: piece for pieces in large.values() for name, piece in pieces.items()}
        | {f"{task}, {name}": piece for (task, name), piece in small.items()}
        | {"text, counted": Piece(by_counting, same)}
    )
    five = {(task, name): found[f"{task}, {name}"] for task, name in small}
    networks = {name: [found[piece] for piece in pieces] for name, pieces in large.items()}
    return [
        learned_part(five, steps, seeds),
        steps_part(five, steps, seeds),
        text_part(text, sizes, networks, found["text, counted"]),
        unit_part(text, sizes, networks),
    ]
