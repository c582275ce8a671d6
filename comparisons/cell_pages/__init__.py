"""A page for each cell: its equation, picture and facts, as data and computed from the code.

`equations` and `drawings` are the data, `evaluating` and `tracing` compute what they mean, `facts` asks the code for
the rest, `texts` has what no code can say. `comparisons.render.cells` makes Markdown and SVG of them, and
`python -m comparisons.cell_pages` writes docs/cells.
"""
