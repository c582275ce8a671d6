"""`python -m comparisons.cell_pages`: write docs/cells, and the links in docs/family.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from comparisons.cell_pages.drawings import DRAWINGS
from comparisons.cell_pages.equations import EQUATIONS
from comparisons.render.cells.drawing import svg
from comparisons.render.cells.page import index, page

DOCS = Path(__file__).parents[2] / "docs"
LINKS = re.compile(r"(<!-- pages: begin -->\n).*?(\n<!-- pages: end -->)", re.DOTALL)


def files() -> Iterator[tuple[Path, str]]:
    """Every file below docs/, and what it must hold."""
    for cell in EQUATIONS:
        yield Path("cells", f"{cell}.md"), page(cell)
    for name, drawing in DRAWINGS.items():
        yield Path("cells", "pictures", f"{name}.svg"), svg(drawing)
    family = (DOCS / "family.md").read_text(encoding="utf-8")
    yield Path("family.md"), LINKS.sub(lambda marks: marks[1] + index() + marks[2], family)


def main() -> None:
    """Write them. Raises SystemExit where there is no docs/, as in an installed package."""
    if not (DOCS / "family.md").is_file():
        raise SystemExit(f"the pages must be written in a checkout, beside docs/family.md, got none in {str(DOCS)!r}")
    for path, text in list(files()):
        (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
