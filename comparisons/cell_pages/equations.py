"""The equation of every cell, as its page shows it.

Python's own grammar: `h[t-1] @ U_i` is a product of a row and a matrix, `*` is elementwise, `[a, b]` puts rows side by
side. `evaluating` computes them, `comparisons.render.cells.latex` sets them as mathematics, so that a page can
show no equation that was not run.

`W_i` are the columns of gate i in the kernel, `W` are all of them; U is the recurrent kernel, b the bias, d the second
bias beside h U, p a peephole, V and v the projection or the output layer, R the gates' own recurrence; γ and β gains
and shifts of norms. σ, φ and ψ are `recurrent_activation`, `activation` and `output_activation` (φ where that is None).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Form:
    """A cell with these options, under Keras' names. `lines` of the first form are all of it, those of the others what
    is different there; `says` names it."""

    lines: str
    options: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""


_LSTM = """
i[t] = σ(x[t] @ W_i + h[t-1] @ U_i + b_i)
f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + b_f)
g[t] = φ(x[t] @ W_g + h[t-1] @ U_g + b_g)
o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + b_o)
c[t] = f[t] * c[t-1] + i[t] * g[t]
h[t] = o[t] * ψ(c[t])
"""
_PEEPHOLES = """
i[t] = σ(x[t] @ W_i + h[t-1] @ U_i + p_i * c[t-1] + b_i)
f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + p_f * c[t-1] + b_f)
g[t] = φ(x[t] @ W_g + h[t-1] @ U_g + b_g)
c[t] = f[t] * c[t-1] + i[t] * g[t]
o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + p_o * c[t] + b_o)
h[t] = o[t] * ψ(c[t])
"""
_NORM = "norm(a, γ, β) = γ * (a - mean(a)) / sqrt(var(a) + ε) + β"
_FORGET = Form(
    "f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + b_f + forget_bias)",
    {"forget_bias": 1.0},
    "`forget_bias` is added at run time and never stored",
)

EQUATIONS: Mapping[str, tuple[Form, ...]] = {
    "simple_rnn": (Form("h[t] = φ(x[t] @ W + h[t-1] @ U + b)"),),
    "jordan": (
        Form(
            "h[t] = φ(x[t] @ W + y[t-1] @ U + b)\ny[t] = ψ(h[t] @ V + v)",
            {"output_units": 3, "output_activation": "sigmoid"},
        ),
    ),
    "lstm_1997": (
        Form(
            """
            i[t] = σ(x[t] @ W_i + h[t-1] @ U_i + b_i)
            g[t] = φ(x[t] @ W_g + h[t-1] @ U_g + b_g)
            o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + b_o)
            c[t] = c[t-1] + i[t] * g[t]
            h[t] = o[t] * ψ(c[t])
            """
        ),
        Form(
            """
            g[t] = 4 * logistic(x[t] @ W_g + h[t-1] @ U_g + b_g) - 2
            h[t] = o[t] * (2 * logistic(c[t]) - 1)
            logistic(a) = 1 / (1 + exp(-a))
            """,
            {"activation": "sigmoid_in_2", "output_activation": "sigmoid_in_1"},
            'The paper\'s own squashings are `activation="sigmoid_in_2"` and `output_activation="sigmoid_in_1"`',
        ),
    ),
    "lstm": (Form(_LSTM), _FORGET),
    "peephole_lstm": (
        Form(_PEEPHOLES),
        Form(
            "f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + p_f * c[t-1] + b_f + forget_bias)",
            {"forget_bias": 1.0},
            _FORGET.says,
        ),
        Form(
            """
            c[t] = clip(f[t] * c[t-1] + i[t] * g[t], cell_clip)
            h[t] = clip((o[t] * ψ(c[t])) @ V, proj_clip)
            """,
            {"num_proj": 3, "cell_clip": 0.5, "proj_clip": 0.25},
            "`num_proj` projects h, and `cell_clip` and `proj_clip` keep c and h within limits",
        ),
    ),
    "cifg": (
        Form(
            """
            f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + b_f)
            i[t] = 1 - f[t]
            g[t] = φ(x[t] @ W_g + h[t-1] @ U_g + b_g)
            o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + b_o)
            c[t] = f[t] * c[t-1] + i[t] * g[t]
            h[t] = o[t] * ψ(c[t])
            """,
            {"coupled": "i"},
        ),
        Form(
            "i[t] = σ(x[t] @ W_i + h[t-1] @ U_i + b_i)\nf[t] = 1 - i[t]",
            {"coupled": "f"},
            '`coupled="f"` is the other way round, as in the paper and in ONNX\' `input_forget`',
        ),
        Form(
            """
            f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + p_f * c[t-1] + b_f)
            o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + p_o * c[t] + b_o)
            """,
            {"use_peepholes": True},
            "`use_peepholes=True` lets f see the old c and o the new one",
        ),
    ),
    "layer_norm_lstm": (
        Form(
            f"""
            i[t] = σ(norm(x[t] @ W_i + h[t-1] @ U_i, γ_i, β_i))
            f[t] = σ(norm(x[t] @ W_f + h[t-1] @ U_f, γ_f, β_f))
            g[t] = φ(norm(x[t] @ W_g + h[t-1] @ U_g, γ_g, β_g))
            o[t] = σ(norm(x[t] @ W_o + h[t-1] @ U_o, γ_o, β_o))
            c[t] = norm(f[t] * c[t-1] + i[t] * g[t], γ_c, β_c)
            h[t] = o[t] * φ(c[t])
            {_NORM}
            """
        ),
        Form(
            "f[t] = σ(norm(x[t] @ W_f + h[t-1] @ U_f, γ_f, β_f) + forget_bias)",
            {"forget_bias": 1.0},
            "`forget_bias` is added after the norm, and never stored",
        ),
    ),
    "fused_layer_norm_lstm": (
        Form(
            f"""
            a[t] = norm(x[t] @ W, γ_x, β_x) + norm(h[t-1] @ U, γ_h, β_h) + b
            i[t] = σ(a[t].i)
            f[t] = σ(a[t].f)
            g[t] = φ(a[t].g)
            o[t] = σ(a[t].o)
            c[t] = norm(f[t] * c[t-1] + i[t] * g[t], γ_c, β_c)
            h[t] = o[t] * φ(c[t])
            {_NORM}
            """
        ),
    ),
    "greff_lstm": (
        Form(_PEEPHOLES.replace("ψ", "φ"), {"variant": "V"}),
        Form("i[t] = 1", {"variant": "NIG"}, "NIG: no input gate"),
        Form("f[t] = 1", {"variant": "NFG"}, "NFG: no forget gate"),
        Form("o[t] = 1", {"variant": "NOG"}, "NOG: no output gate"),
        Form("g[t] = x[t] @ W_g + h[t-1] @ U_g + b_g", {"variant": "NIAF"}, "NIAF: no input activation function"),
        Form("h[t] = o[t] * c[t]", {"variant": "NOAF"}, "NOAF: no output activation function"),
        Form("f[t] = 1 - i[t]", {"variant": "CIFG"}, "CIFG: coupled input and forget gates"),
        Form(
            """
            i[t] = σ(x[t] @ W_i + h[t-1] @ U_i + b_i)
            f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + b_f)
            o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + b_o)
            """,
            {"variant": "NP"},
            "NP: no peepholes",
        ),
        Form(
            """
            i[t] = σ(x[t] @ W_i + h[t-1] @ U_i + [i[t-1], f[t-1], o[t-1]] @ R_i + p_i * c[t-1] + b_i)
            f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + [i[t-1], f[t-1], o[t-1]] @ R_f + p_f * c[t-1] + b_f)
            o[t] = σ(x[t] @ W_o + h[t-1] @ U_o + [i[t-1], f[t-1], o[t-1]] @ R_o + p_o * c[t] + b_o)
            """,
            {"variant": "FGR"},
            "FGR: full gate recurrence",
        ),
    ),
    "gru": (
        Form(
            """
            z[t] = σ(x[t] @ W_z + b_z + h[t-1] @ U_z + d_z)
            r[t] = σ(x[t] @ W_r + b_r + h[t-1] @ U_r + d_r)
            n[t] = φ(x[t] @ W_n + b_n + r[t] * (h[t-1] @ U_n + d_n))
            h[t] = z[t] * h[t-1] + (1 - z[t]) * n[t]
            """,
            {"reset_after": True},
        ),
        Form(
            """
            z[t] = σ(x[t] @ W_z + b_z + h[t-1] @ U_z)
            r[t] = σ(x[t] @ W_r + b_r + h[t-1] @ U_r)
            n[t] = φ(x[t] @ W_n + b_n + (r[t] * h[t-1]) @ U_n)
            """,
            {"reset_after": False},
            "`reset_after=False` resets before the matmul, and has one bias",
        ),
    ),
    "mgu": (
        Form(
            """
            f[t] = σ(x[t] @ W_f + h[t-1] @ U_f + b_f)
            n[t] = φ(x[t] @ W_n + (f[t] * h[t-1]) @ U_n + b_n)
            h[t] = (1 - f[t]) * h[t-1] + f[t] * n[t]
            """
        ),
    ),
    "ugrnn": (
        Form(
            """
            z[t] = σ(x[t] @ W_z + h[t-1] @ U_z + b_z)
            n[t] = φ(x[t] @ W_n + h[t-1] @ U_n + b_n)
            h[t] = z[t] * h[t-1] + (1 - z[t]) * n[t]
            """
        ),
        Form("z[t] = σ(x[t] @ W_z + h[t-1] @ U_z + b_z + forget_bias)", {"forget_bias": 1.0}, _FORGET.says),
    ),
    "mut1": (
        Form(
            """
            z[t] = σ(x[t] @ W_z + b_z)
            r[t] = σ(x[t] @ W_r + h[t-1] @ U_r + b_r)
            n[t] = φ(tanh(x[t]) + (r[t] * h[t-1]) @ U_n + b_n)
            h[t] = z[t] * n[t] + (1 - z[t]) * h[t-1]
            """
        ),
    ),
    "mut2": (
        Form(
            """
            z[t] = σ(x[t] @ W_z + h[t-1] @ U_z + b_z)
            r[t] = σ(x[t] + h[t-1] @ U_r + b_r)
            n[t] = φ(x[t] @ W_n + (r[t] * h[t-1]) @ U_n + b_n)
            h[t] = z[t] * n[t] + (1 - z[t]) * h[t-1]
            """
        ),
    ),
    "mut3": (
        Form(
            """
            z[t] = σ(x[t] @ W_z + tanh(h[t-1]) @ U_z + b_z)
            r[t] = σ(x[t] @ W_r + h[t-1] @ U_r + b_r)
            n[t] = φ(x[t] @ W_n + (r[t] * h[t-1]) @ U_n + b_n)
            h[t] = z[t] * n[t] + (1 - z[t]) * h[t-1]
            """
        ),
    ),
}
