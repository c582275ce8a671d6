"""The proof run: live frameworks beside the cells and the reference, measured and held to a computed bound."""
