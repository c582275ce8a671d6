"""HTML from Python: every text is escaped here, and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


VOID = {"br", "link", "meta", "wbr"}  # of HTML, those that are used here
BARE = {  # of SVG, those that have no content here
    "circle",
    "line",
    "path",
    "rect",
}


def element(name: str, /, *children: Any, **attributes: Any) -> Html:
    """`<name attributes>children</name>`.

    Children are texts, numbers, Html, or iterables of these; None is nothing. `class_` and `for_` are `class` and
    `for`, other underscores are hyphens; True is an attribute without a value, None and False are none.
    """
    given = "".join(map(_attribute, attributes.items()))
    if name in BARE:
        return Html(f"<{name}{given}/>")
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def joined(children: Any) -> Html:
    """The children of an element, one after another."""
    if children is None:
        return Html()
    if isinstance(children, Html):
        return children
    if isinstance(children, str) or not isinstance(children, Iterable):
        return Html(html.escape(str(children), quote=False))
    return Html("".join(map(joined, children)))


def _attribute(given: tuple[str, Any]) -> str:
    name, value = given
    name = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def number(value: float | None, text: Any, **attributes: Any) -> Html:
    """A cell of a table that is sorted as a number, whatever it shows; None, a NaN, is missing: it is sorted last."""
    return element("td", text, data_v=_sorted_as(value), **{"class_": "n", **attributes})


def _sorted_as(value: float | None) -> str:
    if value is None or isnan(value):
        return ""
    return f"{value:.6g}"


def cell(*text: Any, **attributes: Any) -> Html:
    """A cell of a table that is sorted by its text."""
    return element("td", *text, **attributes)


def row_heading(*text: Any, **attributes: Any) -> Html:
    """The first cell of a row."""
    return element("th", *text, scope="row", **attributes)


def heading(*text: Any, **attributes: Any) -> Html:
    """The heading of a column. `class_="still"`: not one to sort by; `class_="n"`: of numbers."""
    return element("th", *text, scope="col", **attributes)


def table(
    caption: Any, headings: Sequence[Html], rows: Iterable[Iterable[Html]], *, filtered: str | None = None, **given: Any
) -> Html:
    """A table in a box of its own, in which it scrolls; sorted by its columns where the page's script runs, and
    filtered by a text whose field has the label `filtered`."""
    body = [element("tr", row) for row in rows]
    made = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", headings)),
        element("tbody", body),
        class_=given.get("class_"),
    )
    # What scrolls must be reachable by the keyboard, and then it needs a name.
    box = element("div", made, class_="scrolls", tabindex=0, role="region", aria_label=given.get("label", caption))
    return element("div", box, class_="table", data_filter=filtered)
