"""What a recurrent layer does with an input: every gate, candidate and state at every step, and measures of them.

`comparisons.trace` is `comparisons.tracing.whole.trace`. Nothing here draws: the pictures are in
`comparisons.render.traces_pictures`.
"""
