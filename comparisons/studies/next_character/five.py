"""The parts about the two sentences: how fast they are learned, and what a network says and holds at each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.studies.next_character.sentence import MEMORYLESS, SENTENCES, SHARED, TASKS, UNITS
from comparisons.studies.part import SPREAD, Part, short, spread_rows, with_spread

Found = dict[tuple[str, str], list[dict[str, Any]]]  # by task and network, of every seed
SEEN = "LSTM"  # whose steps are drawn


def learned_part(found: Found, steps: int, seeds: int) -> Part:
    """Bits per character over training; and from which step on all is right."""
    rows: list[tuple[Any, ...]] = []
    table, said = [], {}
    for (task, network), each in found.items():
        rows += spread_rows((task, network), range(steps), [one["bits"] for one in each])
        learned = [one["learned"] for one in each if one["learned"] is not None]
        generated = sum(tuple(one["generated"]) == tuple(TASKS[task]) for one in each)
        last = [one["bits"][-1] for one in each]
        said[f"{task}, {network}"] = {
            "learned": learned,
            "median steps": float(np.median(learned)) if learned else None,
            "generated": generated,
            "bits": float(np.median(last)),
        }
        after = with_spread(learned) if learned else "never"
        table.append((task, network, f"{len(learned)} of {seeds}", after, f"{generated} of {seeds}", with_spread(last)))
    heads = ("learned", "network", "all right at the end", "from step", "generates it", "bits per character")
    size = f"{UNITS} units, Adam, {steps} steps, {seeds} seeds"
    columns = ("task", "network", "step", *SPREAD)
    title = "Two sentences of five characters"
    return Part("learned", title, size, columns, rows, heads, table, said, _learned(said, seeds))


def _learned(said: dict[str, Any], seeds: int) -> str:
    one, two = TASKS
    networks = [key.partition(", ")[2] for key in said if key.startswith(one)]
    recurrent = [name for name in networks if name != MEMORYLESS]
    fast = lambda task: ", ".join(
        f"{name} {short(said[f'{task}, {name}']['median steps'])}"
        if said[f"{task}, {name}"]["learned"]
        else f"{name} never"
        for name in networks
    )
    count = lambda task, name: len(said[f"{task}, {name}"]["learned"])
    every = lambda task: ", ".join(f"{name} {count(task, name)}" for name in recurrent)
    held = all(count(task, name) == seeds for task in TASKS for name in recurrent)
    without = said[f"{two}, {MEMORYLESS}"]
    proof = (
        f"that needs a memory: without one {count(two, MEMORYLESS)} of {seeds} seeds say it all"
        if count(two, MEMORYLESS) == 0
        else f"that should need a memory, and {count(two, MEMORYLESS)} of {seeds} seeds do without"
    )
    return (
        f"{SENTENCES[0]} (the princess is very pretty) has five characters, and each but once: a table of what follows "
        f"each character says it, without any memory. All is right from this step of training on, in the median of "
        f"{seeds} seeds: {fast(one)}. {SENTENCES[1]} (the prince is tall and big) has 很 too, and what follows it "
        f"depends on what was read before; {proof}, and it stays at {short(without['bits'])} bits per character "
        f"(1 bit at one place in four is 0.25). With both sentences: {fast(two)}. "
        f"{'Every recurrent network learns both tasks with every seed' if held else 'Not every seed learns'} "
        f"({every(one)}; {every(two)} of {seeds}). For five characters the simplest network is enough: what an LSTM "
        f"is for does not show here."
    )


def steps_part(found: Found, steps: int, seeds: int) -> Part:
    """What the first seed's LSTM says and holds, step by step; and what its state does in the other sentence."""
    task = tuple(TASKS)[1]
    first = found[task, SEEN][0]
    characters = first["characters"]
    rows: list[tuple[Any, ...]] = []
    likely = np.array(first["probabilities"])
    for k, sentence in enumerate(SENTENCES):
        for t in range(likely.shape[1]):
            read = sentence[t]
            rows += [(SEEN, 0, k, t, read, "probability", characters[v], float(p)) for v, p in enumerate(likely[k, t])]
            for name, array in first["states"].items():
                rows += [(SEEN, 0, k, t, read, name, str(unit), float(value)) for unit, value in enumerate(array[k][t])]
    table, said = [], {}
    for (of, network), each in found.items():
        if of != task:
            continue
        right = [_right(one, characters) for one in each]  # (seeds, 2 sentences, steps)
        for n, one in enumerate(right):
            for k, sentence in enumerate(SENTENCES):
                rows += [(network, n, k, t, sentence[t], "right", "", float(p)) for t, p in enumerate(one[k])]
        at = [float(np.mean(one[:, SHARED])) for one in right]
        exchanged = [float(p) for one in each for p in one.get("exchanged", [])]
        for n, one in enumerate(each):
            for k, p in enumerate(one.get("exchanged", [])):
                rows.append((network, n, k, SHARED, SENTENCES[k][SHARED], "exchanged", "", float(p)))
        worst = [float(np.min(one)) for one in right]
        said[network] = {
            "right at the shared": float(np.median(at)),
            "lowest": float(np.median(worst)),
            "exchanged": float(np.median(exchanged)) if exchanged else None,
            "followed": sum(p > 0.5 for p in exchanged),
            "of": len(exchanged),
        }
        moved = f"{said[network]['followed']} of {len(exchanged)}" if exchanged else "has no state"
        table.append((network, with_spread(worst), with_spread(at), with_spread(exchanged) if exchanged else "", moved))
    said["distance"] = _distances(first)
    heads = ("network", "lowest at any step", "right after 很", "the other's, with its state", "follow it")
    size = f"{UNITS} units, after {steps} steps, {seeds} seeds; probabilities and states: the LSTM of the first"
    columns = ("network", "seed", "sentence", "step", "read", "of", "which", "value")
    title = "What each step says, and what it holds"
    return Part("steps", title, size, columns, rows, heads, table, said, _steps(said))


def _right(one: dict[str, Any], characters: str) -> Any:
    """The probability of the right next character, `(sentences, steps)`."""
    likely = np.array(one["probabilities"])
    return np.array(
        [[likely[k, t, characters.index(s[t + 1])] for t in range(len(s) - 1)] for k, s in enumerate(SENTENCES)]
    )


def _distances(one: dict[str, Any]) -> list[float]:
    """How far the cell states of the two sentences are apart after each step, over their mean length."""
    c = np.array(one["states"]["c"])
    return [float(np.linalg.norm(a - b) / (np.linalg.norm([a, b]) / np.sqrt(2))) for a, b in zip(*c, strict=True)]


def _steps(said: dict[str, Any]) -> str:
    recurrent = [name for name, one in said.items() if name not in (MEMORYLESS, "distance")]
    right = ", ".join(f"{name} {said[name]['right at the shared']:.2f}" for name in [*recurrent, MEMORYLESS])
    exchanged = ", ".join(f"{name} {said[name]['exchanged']:.2f}" for name in recurrent)
    followed, of = (sum(said[name][what] for name in recurrent) for what in ("followed", "of"))
    far = ", ".join(f"{value:.2f}" for value in said["distance"])
    whole = "all" if followed == of else f"{followed}"
    return (
        f"Both sentences have 很 as their third character, the same input; the right next one is 漂 in one and 高 in "
        f"the other, and it gets, in the median: {right}. What tells them apart is the state. The cell states of the "
        f"LSTM are this far apart after each character that was read, over their mean length: {far}; after 很, too, "
        f"though the input was the same. And it is the state that decides: give a network, before 很, the state that "
        f"it had in the other sentence, and {whole} of {of} say the other sentence's character (its probability: "
        f"{exchanged}). That is all that there is to remember here, one bit, who the sentence is about."
    )
