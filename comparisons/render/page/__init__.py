"""The report as one page: self-contained, of the page's own HTML, styles, script and pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib import resources
from typing import Any

from comparisons.proof.run import Report
from comparisons.render.page import conversions, matrix, mistakes, overview, pictures
from comparisons.render.page.elements import Html, element
from reference.conventions.verdicts import Verdict

# A page that is opened from a file asks nobody for its icon, and one that is served would.
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' "
    "fill='{colour}'/%3E%3C/svg%3E"
)


def page(report: Report, verdicts: Sequence[Verdict], source: str | None = None) -> str:
    """`report.html`: everything in one file that asks the network for nothing and runs no script but its own.

    `verdicts` are those of the conversions to show; `source` is the data file as the user named it, None for the
    project's own data.
    """
    failed = list(overview.failures(report, source))
    # By the name of its anchor: its short name, its heading, what it holds.
    sections: dict[str, tuple[str, str, Any]] = {
        "failed": ("Failed", "Failed cases", failed),
        "compared": ("Compared", "What was compared", overview.compared(report)),
        "distances": ("Distances", "Distances against bounds", matrix.distances(report)),
        "steps": ("Steps", "Step by step", pictures.panels(report)),
        "cases": ("Cases", "Frameworks beside planted mistakes", [_keys(), matrix.strips(report)]),
        "mistakes": ("Mistakes", "Planted mistakes × evidence", mistakes.mistakes(report)),
        "conversions": ("Conversions", "Conversions", conversions.conversions(verdicts)),
        "details": ("Details", "Every case", element("div", matrix.cases(report), class_="cases")),
        "method": ("Method", "How it was measured", overview.rules()),
    }
    if not failed:
        del sections["failed"]
    style, script = (resources.files(__name__).joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    word = "passed" if report.passed else "failed"
    head = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"gateproof compare: {word}"),
        element("link", rel="icon", href=ICON.format(colour="%23197a3e" if report.passed else "%23b3261e")),
        element("style", Html(style)),
    ]
    links = (element("li", element("a", short, href=f"#{name}")) for name, (short, *_) in sections.items())
    body = [
        element("a", "To the report", href="#report", class_="skip"),
        element("nav", element("ul", links), aria_label="Sections"),
        element(
            "main",
            overview.verdict(report),
            (
                element("section", element("h2", title, id=name), content, aria_labelledby=name)
                for name, (_, title, content) in sections.items()
            ),
            id="report",
        ),
        element("footer", element("p", f"gateproof {report.versions.get('gateproof') or ''}, seed {report.seed}.")),
        element("script", Html(script)),
    ]
    return f"<!doctype html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"


def _policy(style: str, script: str) -> str:
    """Only this style and this script, by their digests, and pictures that stand in the page."""
    style, script = (f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in (style, script))
    allowed = {"style-src": style, "script-src": script, "img-src": "data:"}
    nothing = ("default-src", "base-uri", "form-action")
    return "; ".join(f"{name} {source}" for name, source in {**dict.fromkeys(nothing, "'none'"), **allowed}.items())


def _keys() -> Html:
    keys = {
        "within": "a framework",
        "past": "a framework past its bound",
        "bound": "allowed",
        "mistakes": "a planted mistake",
        "nearest": "the one nearest to passing",
    }
    return element(
        "ul",
        (element("li", element("span", class_=f"key {name}"), said) for name, said in keys.items()),
        class_="legend",
    )
