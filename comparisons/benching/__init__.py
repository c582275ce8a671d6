"""What `gateproof bench` times, and how: competitors side by side on the same weights, in alternating rounds.

`work` is what is computed and what is right, `competitors` who computes it, `processes` where, `rounds` how it is
timed, `floors` what the matmuls alone take; `sequences`, `memory`, `growth` and `oracle` are the parts, `targets` what
was aimed for, and `run` puts the report together. A competitor is timed only after its numbers were found right.
"""
