"""Every framework's storage of a recurrent layer, as data, and the ways into the canonical form and out of it.

`frameworks` is the data (no NumPy), in the language of `storage`; `unpacking` and `packing` read it, and a framework
added is one entry. `folds` are the rewritings that keep the function, `verdicts` what a conversion from one framework
to another can promise. Nothing is converted pair by pair: everything goes through a Layer.
"""
