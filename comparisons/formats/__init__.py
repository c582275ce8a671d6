"""The files of TensorFlow, PyTorch and ONNX -> what they hold: one file a format, one guard, that of `reference.files`.

A format's module has `opened(path, config, guard)`, a context manager that gives a StoredModel by headers.
"""
