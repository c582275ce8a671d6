"""A pytest plugin that puts our cells where Keras' own tests find Keras' cells, and counts who is called.

For a process of its own (`-p plugin`): what it changes in keras is never put back.
"""

import functools
from collections import Counter

CELLS = {"SimpleRNNCell": "simple_rnn", "LSTMCell": "lstm", "GRUCell": "gru"}
calls: Counter[str] = Counter()


def count_calls(cell: type, name: str) -> None:
    """Count the calls of `cell.call`: steps run eagerly, and one for every step that is traced."""
    call = cell.call

    @functools.wraps(call)
    def counted(self, *args, **kwargs):
        calls[name] += 1
        return call(self, *args, **kwargs)

    cell.call = counted


def pytest_configure() -> None:
    import keras
    import keras.src.layers

    import cells

    for name, home in CELLS.items():
        ours, stock = getattr(cells, name), getattr(keras.src.layers, name)
        count_calls(ours, f"our {name}")
        count_calls(stock, f"stock {name}")
        # `layers.LSTM` looks its cell up in its own module, the tests in `keras.src.layers`, users in `keras.layers`.
        for module in (getattr(keras.src.layers.rnn, home), keras.src.layers, keras.layers):
            assert getattr(module, name) is stock, f"{module.__name__}.{name} is not Keras' own"
            setattr(module, name, ours)


def pytest_terminal_summary(terminalreporter) -> None:
    reports = [(word, report) for word in ("passed", "skipped") for report in terminalreporter.stats.get(word, [])]
    counts = Counter((word, "time_distributed" in str(report.location[0])) for word, report in reports)
    counted = ", ".join(f"{whose} {name} {calls[f'{whose} {name}']}" for whose in ("our", "stock") for name in CELLS)
    terminalreporter.write_line(
        f"Keras' own suite, with our cells: {counts['passed', False]} passed, {counts['skipped', False]} skipped, "
        f"and of time_distributed {counts['passed', True]} passed; calls: {counted}. "
        "It cannot see gate order: its weights are constants."
    )
