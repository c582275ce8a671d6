"""An old Keras model as data -> a live Keras 3 model, proved against the oracle before it is written.

`plan` says what becomes of each layer, `build` makes the model of it, `proof` measures how far it is from the old
numbers, `write` saves it and has a fresh process open it, `job` does all of it for one file.
"""
