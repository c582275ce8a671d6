"""The data flow of every cell: what is drawn, and where."""

from __future__ import annotations

from collections.abc import Mapping

from comparisons.cell_pages.drawings.lstms import CIFG, FUSED, GREFF, LAYER_NORM, LSTM, LSTM_1997, PEEPHOLE
from comparisons.cell_pages.drawings.parts import Drawing
from comparisons.cell_pages.drawings.plain import JORDAN, SIMPLE_RNN
from comparisons.cell_pages.drawings.updates import GRU, GRU_BEFORE, MGU, MUT1, MUT2, MUT3, UGRNN

# By the names of their files; the first of a cell is its own.
DRAWINGS: Mapping[str, Drawing] = {
    "simple_rnn": SIMPLE_RNN,
    "jordan": JORDAN,
    "lstm_1997": LSTM_1997,
    "lstm": LSTM,
    "peephole_lstm": PEEPHOLE,
    "cifg": CIFG,
    "layer_norm_lstm": LAYER_NORM,
    "fused_layer_norm_lstm": FUSED,
    "greff_lstm": GREFF,
    "gru": GRU,
    "gru_reset_before": GRU_BEFORE,
    "mgu": MGU,
    "ugrnn": UGRNN,
    "mut1": MUT1,
    "mut2": MUT2,
    "mut3": MUT3,
}
