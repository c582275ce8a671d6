"""How large the measured parts of the study are."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 9  # words of a sentence


@dataclass(frozen=True)
class Sizes:
    """How large the measured parts are; the defaults are those of a full run."""

    seeds: int = 7
    cells: tuple[str, ...] = ("Elman", "LSTM", "GRU")
    units: int = 8
    epochs: int = 20
    shown_epochs: int = 20  # of the network whose steps are shown
    steps: tuple[int, ...] = (0, 1, 2, 3, 5, 8, 12, 20, 30, 40)  # padded
    lengths: tuple[int, ...] = (10, 20, 40)  # padded to in training
    judged: tuple[int, ...] = (9, 10, 12, 15, 20, 30, 40, 60, 80)  # padded to when it is judged
    mask_seeds: int = 5
    mask_pads: tuple[int, ...] = (1, 5, 40)


QUICK = Sizes(
    seeds=2,
    cells=("LSTM",),
    units=4,
    epochs=6,
    steps=(0, 1, 5, 20),
    lengths=(10, 14),
    judged=(9, 10, 14, 20),
    mask_seeds=1,
    mask_pads=(1, 5),
)
