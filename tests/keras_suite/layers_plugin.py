"""A pytest plugin that puts our layers where Keras' own tests find Keras' layers, and counts which path they take.

For a process of its own (`-p layers_plugin`): what it changes in keras is never put back.
"""

from collections import Counter

LAYERS = ("SimpleRNN", "LSTM", "GRU")
calls: Counter[str] = Counter()


def pytest_configure() -> None:
    import keras
    import keras.src.layers

    import cells
    from cells import sequence

    taken = sequence.Exact.fast_steps

    def counted(self, mask, training):
        steps = taken(self, mask, training)
        calls[f"{'fast' if steps else 'ordinary'} {type(self).__name__}"] += 1
        return steps

    sequence.Exact.fast_steps = counted
    for name in LAYERS:
        ours, stock = getattr(cells, name), getattr(keras.src.layers, name)
        for module in (keras.src.layers, keras.layers):
            assert getattr(module, name) is stock, f"{module.__name__}.{name} is not Keras' own"
            setattr(module, name, ours)


def pytest_terminal_summary(terminalreporter) -> None:
    passed, skipped = (len(terminalreporter.stats.get(word, [])) for word in ("passed", "skipped"))
    counted = ", ".join(f"{path} {name} {calls[f'{path} {name}']}" for path in ("fast", "ordinary") for name in LAYERS)
    terminalreporter.write_line(
        f"Keras' own suite, with our layers: {passed} passed, {skipped} skipped; calls: {counted}"
    )
