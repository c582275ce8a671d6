"""Which cell is another one when a line of its equation is another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reduction:
    """A form of a cell that, with these lines in place of its own, is a form of another."""

    cell: str
    lines: str
    other: str
    form: int = 0
    other_form: int = 0
    says: str = ""  # where the lines do not say all
    both: bool = False  # the lines are in both


# Array names on the left set an array, for both cells.
REDUCTIONS = (
    Reduction("jordan", "y[t] = h[t]", "simple_rnn"),
    Reduction("lstm", "f[t] = 1", "lstm_1997"),
    Reduction("lstm", "i[t] = 1 - f[t]", "cifg"),
    Reduction("lstm", "f[t] = 1 - i[t]", "cifg", other_form=1),
    Reduction("peephole_lstm", "p_i = 0\np_f = 0\np_o = 0", "lstm"),
    Reduction(
        "layer_norm_lstm",
        "norm(a, γ, β) = a + β\nβ_c = 0\nb_i = β_i\nb_f = β_f\nb_g = β_g\nb_o = β_o",
        "lstm",
    ),
    Reduction("fused_layer_norm_lstm", "norm(a, γ, β) = a", "lstm"),
    Reduction("greff_lstm", "", "peephole_lstm", says="with ψ = φ"),
    Reduction("greff_lstm", "", "lstm", form=7, says="with ψ = φ"),
    Reduction("greff_lstm", "p_i = 0\np_o = 0", "cifg", form=6, other_form=1, says="with ψ = φ"),
    Reduction("gru", "r[t] = 1\nd_z = 0\nd_n = 0", "gru", other_form=1, says="where nothing is reset", both=True),
    Reduction("gru", "r[t] = 1", "ugrnn", form=1),
    Reduction("gru", "r[t] = f[t]\nz[t] = 1 - f[t]\nf[t] = σ(x[t] @ W_f + h[t-1] @ U_f + b_f)", "mgu", form=1),
    Reduction(
        "gru", "z[t] = 1 - σ(x[t] @ W_z + b_z)\nn[t] = φ(tanh(x[t]) + (r[t] * h[t-1]) @ U_n + b_n)", "mut1", form=1
    ),
    Reduction("gru", "z[t] = 1 - σ(x[t] @ W_z + h[t-1] @ U_z + b_z)\nr[t] = σ(x[t] + h[t-1] @ U_r + b_r)", "mut2", 1),
    Reduction("gru", "z[t] = 1 - σ(x[t] @ W_z + tanh(h[t-1]) @ U_z + b_z)", "mut3", form=1),
)
