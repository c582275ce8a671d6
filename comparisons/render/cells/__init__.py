"""A page for each cell as Markdown, its equation as mathematics, its drawing as SVG."""
