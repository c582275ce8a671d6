"""The equations of `comparisons.cell_pages.equations` as mathematics that GitHub shows."""

from __future__ import annotations

import ast

from comparisons.cell_pages.evaluating import name, parsed, time

LETTERS = {
    "σ": r"\sigma",
    "φ": r"\varphi",
    "ψ": r"\psi",
    "γ": r"\gamma",
    "β": r"\beta",
    "ε": r"\varepsilon",
    "tanh": r"\tanh",
    "exp": r"\exp",
}
SIGNS = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: r" \odot ", ast.MatMult: r"\, "}
BINDS = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.MatMult: 3, ast.Div: 4}  # more: closer
WHEN = {0: "t", -1: "t-1"}


def block(lines: str) -> str:
    """Lines below each other, in a fence of their own.

    >>> print(block("c[t] = f[t] * c[t-1]"))
    ```math
    \\begin{aligned}
    c_t &= f_t \\odot c_{t-1}
    \\end{aligned}
    ```
    """
    rows = [f"{tex(left)} &= {tex(right)}" for left, right in parsed(lines)]
    return "\n".join(["```math", r"\begin{aligned}", " \\\\\n".join(rows), r"\end{aligned}", "```"])


def inline(lines: str) -> str:
    """Lines behind each other, within a sentence."""
    return ", ".join(f"$`{tex(left)} = {tex(right)}`$" for left, right in parsed(lines))


def tex(node: ast.expr, within: int = 0) -> str:
    """An expression; in brackets where what is around it binds closer than `within`."""
    match node:
        case ast.Constant():
            return str(node.value)
        case ast.Name():
            return _letter(node.id)
        case ast.Subscript():
            return _lowered(_letter(name(node)), WHEN[time(node)])
        case ast.Attribute():
            assert isinstance(node.value, ast.Subscript)
            return _lowered(_letter(name(node.value)), f"{node.attr},{WHEN[time(node.value)]}")
        case ast.UnaryOp():
            return f"-{tex(node.operand, 2)}"
        case ast.List():
            return rf"\left[{', '.join(map(tex, node.elts))}\right]"
        case ast.BinOp(op=ast.Div()):
            return rf"\frac{{{tex(node.left)}}}{{{tex(node.right)}}}"
        case ast.BinOp():
            binds = BINDS[type(node.op)]
            sign = SIGNS[type(node.op)]
            if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.Constant):
                sign = r"\, "  # of a number
            both = tex(node.left, binds) + sign + tex(node.right, binds + isinstance(node.op, ast.Sub))
            return rf"\left({both}\right)" if binds < within else both
        case ast.Call():
            function, given = name(node), list(map(tex, node.args))
            if function == "sqrt":
                return rf"\sqrt{{{given[0]}}}"
            return rf"{_letter(function)}\left({', '.join(given)}\right)"
    raise ValueError(f"an equation must be made of letters, products and functions, got {ast.unparse(node)!r}")


def _letter(word: str) -> str:
    """`W_i`, `γ_x`, and words upright."""
    letter, _, below = word.partition("_")
    if len(letter) > 1 and word not in LETTERS:
        return rf"\mathrm{{{word}}}".replace("_", r"\_")
    return _lowered(LETTERS.get(letter, letter), below)


def _lowered(letter: str, below: str) -> str:
    return letter + (f"_{below}" if len(below) == 1 else f"_{{{below}}}" if below else "")
