"""The pictures of a trace: what is drawn is what was computed, in the input's order, on scales that mean something."""

import io
import unicodedata

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

import comparisons
from comparisons.proof import draws
from comparisons.proof.cases import CASES
from comparisons.render import slides, traces_axes, traces_unit
from comparisons.render.traces_pictures import PICTURES
from reference import Layer, Weights


def layer(cell="lstm", units=4, scale=1.0, features=3, **options):
    draw, gates = np.random.default_rng(1), {"lstm": 4, "gru": 3, "simple_rnn": 1}[cell]
    shapes = {"kernel": (features, gates * units), "recurrent_kernel": (units, gates * units), "bias": (gates * units,)}
    weights = {name: scale * draw.normal(size=shape) for name, shape in shapes.items()}
    if cell == "gru":
        weights["recurrent_bias"] = scale * draw.normal(size=gates * units)
    return Layer(cell, Weights(**weights), **options)


X = np.random.default_rng(2).normal(size=(2, 6, 3))
MASK = np.array([[1, 1, 0, 1, 1, 1], [1] * 6], bool)


def drawn(figure):
    """The figure, once all of it has been drawn, and not arranged, which takes most of the time."""
    figure.set_layout_engine("none")
    figure.draw_without_rendering()
    return figure


def images(figure):
    """{label of the panel: what its image shows, with its limits}."""
    return {axis.get_ylabel().split("\n")[0]: axis.images[0] for axis in figure.axes if axis.images}


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def curves(axis):
    return {line.get_label(): np.asarray(line.get_ydata(), float) for line in axis.lines}


@pytest.mark.parametrize("row", [0, 1])
def test_gates_and_states_are_shown_as_they_are(row):
    trace = comparisons.trace(layer(), X, row=row)
    gates, states = images(drawn(trace.figures["gates"])), images(drawn(trace.figures["states"]))
    assert list(gates) == ["input gate i", "forget gate f", "output gate o"]
    assert list(states) == ["candidate g", "output h", "cell state c"]
    for label, image in (gates | states).items():
        np.testing.assert_array_equal(image.get_array(), trace[label[-1]][row].T)
    assert {image.get_clim() for image in gates.values()} == {(0, 1)}
    for label, image in states.items():
        far = np.abs(trace[label[-1]]).max()
        assert image.get_clim() == (-far, far)


def test_a_layer_that_reads_from_the_end_is_shown_in_the_input_s_order():
    trace = comparisons.trace(layer(go_backwards=True), X, mask=MASK, tokens=["abcdef", "ghijkl"])
    shown = images(drawn(trace.figures["gates"]))["forget gate f"].get_array()
    for position in range(6):
        expected = trace["f"][0, 5 - position] if MASK[0, position] else np.full(4, np.nan)
        np.testing.assert_array_equal(np.ma.filled(shown, np.nan)[:, position], expected)
    assert words(trace.figures["gates"]).index("a") < words(trace.figures["gates"]).index("f")
    assert any("reads from right to left" in text for text in words(trace.figures["gates"]))
    assert any("masked" in text for text in words(trace.figures["gates"]))


def test_a_stretch_of_the_steps_and_units_by_their_half_life():
    trace = comparisons.trace(layer(), X, steps=(2, 5), sort="half-life", tokens=["abcdef", "ghijkl"])
    image = images(drawn(trace.figures["gates"]))["forget gate f"]
    order = np.argsort(-trace.half_life["f"])
    np.testing.assert_array_equal(image.get_array(), trace["f"][0, 2:5, order])
    labels = [text.get_text() for text in trace.figures["gates"].axes[0].get_yticklabels()]
    assert labels == [str(unit) for unit in order]
    ticks = trace.figures["gates"].axes[2].get_xticklabels()
    assert [text.get_text() for text in ticks] == list("cde")


def test_one_unit_followed():
    trace = comparisons.trace(layer(), X, unit=2)
    gates, others, cell, read = drawn(trace.figures["unit"]).axes
    for axis, names in ((gates, "ifo"), (others, "gh"), (cell, "c")):
        found = {label[-1]: line for label, line in curves(axis).items() if not label.startswith("_")}
        assert set(found) == set(names)
        for name in names:
            np.testing.assert_array_equal(found[name], trace[name][0, :, 2])
    np.testing.assert_array_equal([line.get_ydata() for line in read.lines], X[0].T)


def test_the_unit_that_is_followed_is_the_one_that_moves_farthest():
    trace = comparisons.trace(layer(units=9), X, row=1)
    widest = np.ptp(trace["c"][1], axis=0).argmax()
    assert f"unit {widest}, step by step" in words(trace.figures["unit"])


def test_saturation_over_time_and_by_unit():
    trace = comparisons.trace(layer(scale=4), X)
    figure = drawn(trace.figures["saturation"])
    for k, letter in enumerate("ifo"):
        over = curves(figure.axes[k])
        np.testing.assert_allclose(over["open"], (trace[letter][0] > 0.9).mean(axis=-1))
        np.testing.assert_allclose(over["shut"], (trace[letter][0] < 0.1).mean(axis=-1))
        (points,) = figure.axes[3 + k].collections
        each = trace[letter].reshape(-1, 4)
        np.testing.assert_allclose(points.get_offsets(), np.stack([(each > 0.9).mean(0), (each < 0.1).mean(0)], 1))


def test_half_lives():
    trace = comparisons.trace(layer("gru"), X)
    left, right = drawn(trace.figures["half_life"]).axes
    measured, formula = (points.get_offsets()[:, 1] for points in left.collections[:2])
    order = np.argsort(-trace.half_life["z"])
    np.testing.assert_allclose(formula, trace.half_life["z"][order])
    np.testing.assert_allclose(np.ma.filled(measured, np.inf), trace.half_left["z"][order])
    named = {label: line for label, line in curves(right).items() if not label.startswith("_")}
    assert list(named) == [
        f"{n}: unit {u}" for n, u in zip(("longest", "median", "shortest"), order[[0, 2, 3]], strict=True)
    ]
    kept = trace["z"][:, :, order[0]]
    np.testing.assert_allclose(
        named[f"longest: unit {order[0]}"][:3], [1, kept.mean(), (kept[:, 1:] * kept[:, :-1]).mean()]
    )


def test_text_has_the_colours_of_the_state():
    trace = comparisons.trace(layer(), X[:1], tokens="ab\ncd ", unit=1)
    figure = drawn(trace.figures["text"])
    axis = figure.axes[0]
    (boxes,) = axis.collections
    corners = [tuple(path.vertices[0]) for path in boxes.get_paths()]
    assert [text.get_text() for text in axis.texts] == ["a", "b", "↵", "c", "d", "␣"]
    assert corners == [(0, -0.5), (1, -0.5), (2, -0.5), (0, 0.5), (1, 0.5), (2, 0.5)]
    for (red, _, blue, _), value in zip(boxes.get_facecolors(), trace["c"][0, :, 1], strict=True):
        assert (red > blue) == (value > 0)
    highest = np.abs(trace["c"][0, :, 1]).argmax()
    assert tuple(boxes.get_facecolors()[highest]) in (to_rgba("#053061"), to_rgba("#67001f"))


def test_a_page_of_text_has_an_end(monkeypatch):
    monkeypatch.setattr(traces_unit, "LINES", 3)
    figure = comparisons.trace(layer(), np.ones((1, 400, 3)), tokens="abc\n" + "word " * 79 + "!").figures["text"]
    assert len(figure.axes[0].texts) == 4 + 80 + 80
    assert any("The first 164 of 400 are shown." in text for text in words(figure))


ALL = ("gates", "states", "saturation", "half_life", "unit")
# A layer, its input, what else is told, and the pictures that it may upset.
ODD = {
    "one step": (layer(), X[:, :1], {}, ("gates", "saturation", "half_life")),
    "one unit": (layer(units=1), X, {}, ("gates", "half_life")),
    "many units": (layer(units=300), X[:1], {}, ("gates", "half_life")),
    "many steps": (layer(features=1), np.random.default_rng(1).normal(size=(1, 3000, 1)), {}, ("gates", "unit")),
    "many steps of text": (layer(features=1), np.ones((1, 300, 1)), {"tokens": "ab " * 100}, ("unit", "text")),
    "no step counts": (layer(), X, {"mask": np.zeros((2, 6), bool)}, ALL),
    "no step of the row counts": (layer(), X, {"mask": np.array([[0] * 6, [1] * 6])}, ("saturation",)),
    "all is kept": (layer(scale=0, options={"forget_bias": 1000.0}), X, {}, ("half_life",)),
    "nothing is kept": (layer("gru", scale=1e4), X, {}, ("half_life",)),
    "everything is zero": (layer("gru", scale=0), X, {"tokens": ["abcdef"] * 2}, ("states", "text")),
    "no gates": (layer("simple_rnn"), X, {}, ("states", "unit")),
    "numbers that are none": (layer(), np.where(X > 1, np.nan, X), {}, ("gates", "states", "half_life")),
    "numbers without end": (
        layer("simple_rnn", scale=1e200, options={"activation": "relu"}),
        X,
        {},
        ("states", "unit"),
    ),
    "a gate that is no gate": (layer(scale=9, options={"recurrent_activation": "relu"}), X, {}, ("gates", "half_life")),
    "mathematics": (layer(), X[:1], {"tokens": ["$x$", "$", r"\frac", "_", "^", "$$"]}, ("unit", "text")),
    "words": (layer(), X[:1], {"tokens": ["a", "sentence", "of", "words", "or", "inwardnesses" * 9]}, ("unit", "text")),
    "no text at all": (layer(), X[:1], {"tokens": ["", " ", "\n", "\t", "\x00", "\u200b"]}, ("unit", "text")),
    "no font": (
        layer(),
        X[:1],
        {"tokens": ["\U0010fffd", "\ud800", "\ue123", "e\u0301", "\r", "公"]},
        ("unit", "text"),
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_traces_are_drawn_without_a_warning(odd, caplog):
    """Warnings are errors here; matplotlib logs some."""
    one, x, told, pictures = ODD[odd]
    with np.errstate(over="ignore", invalid="ignore"):
        trace = comparisons.trace(one, x, **told)
    for name in pictures:
        drawn(trace.figures[name])
    assert repr(trace)
    assert not caplog.records


@pytest.mark.parametrize("cell", sorted({case.cell for case in CASES} - {"lstm", "gru", "simple_rnn"}))
def test_every_cell_is_drawn(cell):
    case = next(case for case in CASES if case.cell == cell)
    one = draws.layer(case, case.features, 0, 1)
    trace = comparisons.trace(one, np.random.default_rng(1).normal(size=(1, case.steps, case.features)))
    assert all(trace.figures[name].axes for name in {"states", "half_life"} & set(trace.figures))


def test_every_part_has_its_own_pictures():
    case = next(case for case in CASES if case.bidirectional)
    trace = comparisons.trace(draws.layer(case, 3, 0), X)
    sides = [name for name in trace.figures if name.endswith(("forward/gates", "backward/gates"))]
    assert len(sides) == len(trace.parts)
    assert {name.rpartition("/")[2] for name in trace.figures} <= set(PICTURES)
    assert any(text.startswith(trace.parts[1].path) for text in words(drawn(trace.figures[sides[1]])))


def test_a_font_is_found_where_one_has_the_character():
    """One that matplotlib's first font has not, and another that comes with matplotlib has."""
    files = traces_axes._files()
    assert "DejaVu Sans" in files
    assert not any("Last Resort" in name for name in files)
    mine = traces_axes._drawn(files["DejaVu Sans"])
    others = set().union(*(traces_axes._drawn(path) for path in files.values())) - mine
    character = min(c for c in others if unicodedata.category(c)[0] in "LSN")
    found = traces_axes.families(["a", character])
    assert found[0] == "DejaVu Sans"
    assert len(found) == 2
    assert traces_axes.undrawn([character]) == []
    assert {font.name for font in fontManager.ttflist} >= set(found)
    trace = comparisons.trace(layer(), X[:1], tokens=["a", character, "b", "c", "d", "e"])
    for name in ("unit", "text"):  # a glyph that is missing there would be a warning
        assert character in words(drawn(trace.figures[name]))


def test_what_no_font_has_is_shown_by_its_code_point():
    assert traces_axes.undrawn(["a\U0010fffd", " ", "\n", "b\U0010fffd\x07"]) == ["\U0010fffd", "\x07"]
    assert traces_axes.shown("\U0010fffd") == "U+10FFFD"
    assert traces_axes.shown("a\x07") == "aU+0007"
    assert traces_axes.shown(" ") == "␣"
    assert traces_axes.undrawn(sign for sign in traces_axes.SPACES.values()) == []


def test_a_path_that_is_no_title():
    trace = comparisons.trace(layer(), X)
    (part,) = trace.parts
    assert traces_axes.plain("$\\frac{") == "\\$\\frac{"
    object.__setattr__(part, "path", "$\\frac{\U0010fffd$")
    assert drawn(trace.figures["unit"])


def test_pictures_are_for_a_projector():
    figure = comparisons.trace(layer(), X).figures["gates"]
    assert figure.get_size_inches()[0] == 16
    figure.set_dpi(20)
    figure.savefig(stream := io.BytesIO())  # arranged, this once
    assert stream.getvalue().startswith(b"\x89PNG")
    assert slides.DPI == 150
