"""An explanation of arrays as what to do: Python that runs, and the line of `gateproof convert` where one does it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from comparisons.diagnosis.axes import SAME, stored_gates
from comparisons.diagnosis.changes import CHANGES
from comparisons.diagnosis.found import Explanation
from comparisons.diagnosis.reading import Reading
from comparisons.diagnosis.readings import Frame

TARGET = "keras"  # whose arrays a conversion ends with


def obstacles(found: Explanation) -> list[str]:
    """What no arrays can make up for: the axes on which another cell computed the outputs."""
    another = {axis for axis in CHANGES if axis != "polarity"} | {"peeping", "carried"}
    return [d.found for d in found.differences if d.axis in another and d.choice]


def script(found: Explanation, weights: str, inputs: str) -> list[str]:
    """Python that makes the layer of the arrays, runs it, and packs it for Keras; `weights` and `inputs` is Python that
    gives the arrays by name, and `(B, T, X)`."""
    frame, chosen = found.frame, found.chosen
    assert frame is not None
    lines = ["import numpy as np", "import reference", f"w = {weights}"]
    if "load_file(" in weights:
        lines.insert(2, "from safetensors.numpy import load_file")
    lines += _layer(frame, found)
    lines += [f"x = {inputs}" + (".swapaxes(0, 1)" if chosen.get("laid out", (0, 0))[0] else "")]
    outputs = "outputs = layer.run(x).outputs"
    if chosen.get("time") == (False, True):
        outputs += "[:, ::-1]"
    lines.append(outputs + (".swapaxes(0, 1)" if chosen.get("laid out", (0, 0))[1] else ""))
    if not found.layer.step and found.layer.cell != "peephole_lstm" and not any(chosen.get("time", ())):
        lines.append(f'packed = reference.pack(layer, "{TARGET}")  # .arrays, under the names that {TARGET} has')
    return lines


def command(found: Explanation, weights: str) -> str:
    """The `gateproof convert` line, where the file's arrays are exactly those of a framework; else empty."""
    if any(reading.framework == TARGET for reading in found.exactly):
        return ""
    for reading in found.exactly:
        if reading.by_name and found.layer.cell in ("lstm", "gru", "simple_rnn"):
            options = "".join(f" --option {shlex.quote(f'{name}={value}')}" for name, value in reading.options.items())
            return (
                f"gateproof convert {shlex.quote(weights)} {TARGET}.npz --from {reading.framework} --to {TARGET}"
                f" --cell {found.layer.cell}{options}"
            )
    return ""


def _layer(frame: Frame, found: Explanation) -> Iterator[str]:
    exactly = next(iter(sorted(found.exactly, key=lambda reading: not reading.by_name)), None)
    if exactly is not None:
        yield from _unpacked(exactly, found.layer.cell, "layer")
        return
    reading, cell = frame.reading, found.layer.cell
    if reading.framework:
        yield from _unpacked(reading, cell, "read")
        yield "fields = read.weights._asdict()"
    else:
        yield from reading.lines
        names = [line.split(" =")[0] for line in reading.lines]
        pairs = ", ".join(f'"{name}": {name}' for name in names)
        yield f"fields = {{{pairs}}}"
    yield from _edits(frame, found)
    kind = "reference.Weights" if cell in ("lstm", "gru", "simple_rnn") else f'steps.weights_type("{cell}")'
    if kind.startswith("steps"):
        yield "from reference import steps"
    direction = _direction(found.chosen.get("time", (False, False)))
    yield f'layer = reference.Layer("{cell}", {kind}(**fields), {_options(found)!r}{direction})'


def _unpacked(reading: Reading, cell: str, name: str) -> Iterator[str]:
    arrays = "w" if reading.by_name else "{" + ", ".join(f'"{t}": w["{o}"]' for o, t in reading.renamed.items()) + "}"
    options = "".join(f", {key}={value!r}" for key, value in reading.options.items())
    yield f'{name} = reference.unpack("{reading.framework}", "{cell}", {arrays}{options})'


def _edits(frame: Frame, found: Explanation) -> Iterator[str]:
    """NumPy lines that put the blocks of `fields` where they belong."""
    chosen, layer = found.chosen, frame.layer
    gates = stored_gates(layer)
    order, names = chosen["order"], " ".join(chosen["order"])
    biases = [name for name in ("bias", "recurrent_bias") if getattr(layer.weights, name) is not None]
    if chosen["kernel"] == "cudnn":
        yield f"each = np.split(fields['kernel'], {len(gates)}, axis=-1)  # cuDNN's memory layout"
        yield "fields['kernel'] = np.concatenate([b.reshape(b.shape[::-1]).T for b in each], axis=-1)"
    if order != gates:
        yield f"for name in {('kernel', 'recurrent_kernel', *biases)!r}:  # stored in the order {names}"
        yield f"    parts = dict(zip({order!r}, np.split(fields[name], {len(gates)}, axis=-1)))"
        yield f"    fields[name] = np.concatenate([parts[gate] for gate in {gates!r}], axis=-1)"
    if chosen["transposed"]:
        yield f"parts = dict(zip({gates!r}, np.split(fields['recurrent_kernel'], {len(gates)}, axis=-1)))"
        yield f"turned = [parts[gate].T if gate in {chosen['transposed']!r} else parts[gate] for gate in {gates!r}]"
        yield "fields['recurrent_kernel'] = np.concatenate(turned, axis=-1)"
    if chosen["units"] == "reversed":
        yield "fields['recurrent_kernel'] = fields['recurrent_kernel'][::-1]"
    yield from _biases(chosen["biases"], biases, layer.units)
    if chosen.get("peepholes", "ifo") != "ifo":
        yield from _peepholes(chosen["peepholes"])
    if chosen.get("polarity"):
        yield f"for name in {('kernel', 'recurrent_kernel', *biases)!r}:  # z = 1 takes the new state: 1 - s(a) = s(-a)"
        yield f"    z, rest = np.split(fields[name], [{layer.units}], axis=-1)"
        yield "    fields[name] = np.concatenate([-z, rest], axis=-1)"
    added = dict(chosen.get("added", ()))
    if set(added) - {"f"} or added.get("f", 0) < 0:
        fb = float(layer.options.get("forget_bias") or 1.0)
        more = [fb * added.get(gate, 0) for gate in gates]
        start = "fields['bias']" if "bias" in biases else "0"
        yield f"fields['bias'] = {start} + np.repeat({more!r}, {layer.units})  # on the gates {' '.join(gates)}"


def _biases(kind: str, there: list[str], units: int) -> Iterator[str]:
    both = len(there) == 2
    lines: dict[str, list[str]] = {
        "": [],
        "none": [f"del fields['{name}']" for name in there],
        "first": ["del fields['recurrent_bias']"],
        "second": ["fields['bias'] = fields.pop('recurrent_bias')"],
        "exchanged": ["fields['bias'], fields['recurrent_bias'] = fields['recurrent_bias'], fields['bias']"]
        if both
        else ["fields['recurrent_bias'] = fields.pop('bias')"],
        "candidate's second dropped": [
            f"fields['recurrent_bias'] = np.where(np.arange({3 * units}) < {2 * units}, fields['recurrent_bias'], 0)"
        ],
        "outside r": ["fields['bias'] = fields['bias'] + fields.pop('recurrent_bias')"],
    }
    yield from lines[kind]


def _peepholes(order: str) -> Iterator[str]:
    if order == "dropped":
        yield "del fields['peephole']"
    elif order == "reversed":
        yield "fields['peephole'] = fields['peephole'][::-1]"
    else:
        yield f"parts = dict(zip({order!r}, np.split(fields['peephole'], 3)))"
        yield "fields['peephole'] = np.concatenate([parts[gate] for gate in 'ifo'])"


def _options(found: Explanation) -> dict[str, Any]:
    layer, chosen = found.layer, found.chosen
    shown: dict[str, Any] = {"activation": chosen["activation"]}
    if "gate" in chosen:
        shown["recurrent_activation"] = chosen["gate"]
    if chosen.get("squash", SAME) != SAME:
        shown["output_activation"] = chosen["squash"]
    if "reset" in chosen:
        shown["reset_after"] = chosen["reset"]
    added = dict(chosen.get("added", ()))
    if set(added) == {"f"} and added["f"] > 0:
        shown["forget_bias"] = added["f"] * float(found.frame.layer.options.get("forget_bias") or 1.0)
    for name in ("cell_clip", "proj_clip"):
        if layer.options.get(name) is not None:
            shown[name] = layer.options[name]
    return shown


def _direction(time: tuple[bool, bool]) -> str:
    return {(True, False): ", go_backwards=True", (True, True): ', direction="reverse"'}.get(time, "")
