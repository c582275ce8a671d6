"""What no code can say: where each cell comes from, what it changed and why, and what its options do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    title: str
    paper: str  # a line each
    changed: str  # what the cell changed and why, for a student
    unwitnessed: str = ""  # why no live framework runs it, and what stands in


_GREFF = (
    "Greff, Srivastava, Koutník, Steunebrink & Schmidhuber, *LSTM: A Search Space Odyssey*, "
    "arXiv 1503.04069 **v2** (2017)"
)
_NORM = "Ba, Kiros & Hinton, *Layer Normalization*, arXiv 1607.06450 **v1** (2016)"
_MUT = (
    "Jozefowicz, Zaremba & Sutskever, *An Empirical Exploration of Recurrent Network Architectures*, ICML 2015 "
    "(PMLR 37:2342–2350)"
)
_PEEPHOLE = "Gers & Schmidhuber, *Recurrent Nets that Time and Count*, IJCNN 2000, 3:189–194"
_FOUND = (
    "It was found by a search over more than ten thousand mutated cells. Read it against the GRU: "
    "{} The new state is taken where z = 1, as in the paper, and not kept as in Keras' GRU."
)

TEXTS: Mapping[str, Text] = {
    "simple_rnn": Text(
        "Simple recurrent network",
        "Elman, *Finding Structure in Time*, Cognitive Science 14:179–211 (1990)",
        "The hidden layer comes back: h is at once what the layer says and all that it remembers. Every step rewrites "
        "all of h through the same matrix and the same squashing. Back through time, what was seen long ago is "
        "multiplied by U and φ' once a step, and fades or explodes. Most of this family are answers to that.",
    ),
    "jordan": Text(
        "Jordan network",
        "Jordan, *Attractor Dynamics and Parallelism in a Connectionist Sequential Machine*, "
        "Conference of the Cognitive Science Society 8:531–546 (1986)",
        "Older than Elman's, and fed back from the other end: not the hidden layer but the *output* comes back. So the "
        "network can only remember what it says. Where the outputs are targets in training, the right ones can be fed "
        "back in place of its own; Elman's hidden layer has no such targets.",
        "no framework has it; with an identity output it is `simple_rnn`",
    ),
    "lstm_1997": Text(
        "LSTM of 1997",
        "Hochreiter & Schmidhuber, *Long Short-Term Memory*, Neural Computation 9:1735–1780 (1997)",
        "A second state c that is only ever added to. From one step to the next it is multiplied by 1, so that along c "
        "an error comes back unchanged however long the lag: the constant error carousel. The input gate protects c "
        "from what does not matter, the output gate protects the others from c. There is no way to forget: c of a long "
        "stream grows until ψ is flat.",
        "no framework has it; it is `lstm` with f = 1",
    ),
    "lstm": Text(
        "LSTM",
        "Gers, Schmidhuber & Cummins, *Learning to Forget: Continual Prediction with LSTM*, Neural Computation "
        "12:2451–2471 (2000)",
        "The forget gate multiplies c, and can empty it: in a stream without marked beginnings nothing else resets the "
        "state. The price is that the carousel leaks, since f is below 1: memory lasts as long as f stays close to it. "
        "That is why the bias of f often starts at 1 (Keras' `unit_forget_bias`) or has 1 added at run time "
        "(TensorFlow 1's `forget_bias`). This is the cell that every framework calls LSTM.",
    ),
    "peephole_lstm": Text(
        "Peephole LSTM",
        f"{_PEEPHOLE}\n"
        "Graves, *Generating Sequences With Recurrent Neural Networks*, arXiv 1308.0850 **v5** (2014)\n"
        "Sak, Senior & Beaufays, *Long Short-Term Memory Based Recurrent Neural Network Architectures for Large "
        "Vocabulary Speech Recognition*, arXiv 1402.1128 **v1** (2014): the projection",
        "With a shut output gate h is 0, and the other gates see nothing of c. Peepholes let them look at c itself, a "
        "weight for each unit, so that a gate can open when a count is reached. i and f see the *old* c, since they "
        "make the new one; o sees the *new* c. Implementations that get this wrong still run.",
    ),
    "cifg": Text(
        "Coupled input and forget gate",
        f"{_GREFF}: CIFG; TensorFlow 1 contrib's CoupledInputForgetGateLSTMCell",
        "What is forgotten makes room for what is written: one gate decides both, and c becomes a mean of the old c "
        "and the candidate. A quarter of the weights is saved. Which gate has the weights is a convention (`coupled`), "
        "and the same arrays give two different functions.",
    ),
    "layer_norm_lstm": Text(
        "Layer norm LSTM",
        f"{_NORM}, as TensorFlow 1 contrib's LayerNormBasicLSTMCell has it (1.15)",
        "Before each gate squashes, its net input is brought to mean 0 and variance 1 over the units of that gate, and "
        "then scaled and shifted by learnt numbers. The gates stay where their slope is not flat, whatever the size "
        "of the weights. β takes the place of the biases. The new c is normalised *before it is kept*, so that no "
        "unit of c passes a step unchanged.",
        "TensorFlow 1's contrib is gone; hand-worked vectors stand in",
    ),
    "fused_layer_norm_lstm": Text(
        "Layer norm LSTM, fused",
        f"{_NORM}, as TensorFlow Addons' LayerNormLSTMCell has it (fea341f)",
        "The idea of `layer_norm_lstm`, and another function: the norm is over the columns of *all four "
        "gates*, once for x W and once for h U, and the biases stay. ε is larger too. Two libraries, one name, two "
        "cells: weights of one do not fit the other.",
        "Addons needs an older TensorFlow; hand-worked vectors stand in",
    ),
    "greff_lstm": Text(
        "Greff's vanilla LSTM and its eight variants",
        _GREFF,
        "One question asked of every part: what if it were not there? The authors' answer, from thousands of runs: no "
        "variant is much better; without the forget gate (NFG) or the output activation (NOAF) it is clearly worse; "
        "coupling the gates (CIFG) or leaving the peepholes out (NP) costs little. FGR adds the most weights.",
    ),
    "gru": Text(
        "GRU",
        "Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation*, "
        "arXiv 1406.1078 **v3** (2014): reset before the matmul\n"
        "The same, **v1**: reset after the matmul, as cuDNN, PyTorch and Keras' default have it",
        "One state and no output gate: h is memory and output at once, and each step it is a mean of the old h and the "
        "candidate n, in parts z and 1 − z. The reset gate decides how much of the old h the candidate sees. Two "
        "things differ wherever you look: which side z keeps, and whether r multiplies h or h U. The second cannot be "
        "converted.",
    ),
    "mgu": Text(
        "Minimal gated unit",
        "Zhou, Wu, Zhang & Zhou, *Minimal Gated Unit for Recurrent Neural Networks*, arXiv 1603.09420 **v1** (2016)",
        "How few gates will do? One: f resets and updates at once. The candidate sees f · h, and f is also the share "
        "of the new state. Mind the name: where f is 1 everything is replaced, f is no LSTM's forget gate.",
    ),
    "ugrnn": Text(
        "Update gate RNN",
        "Collins, Sohl-Dickstein & Sussillo, *Capacity and Trainability in Recurrent Neural Networks*, "
        "arXiv 1611.09913 **v3** (2017)",
        "A simple RNN with one gate: keep the old state, or take the new one. No reset. The paper asks what gates are "
        "good for, finds that all cells store about as much, and that gates make them easier to train; this is the "
        "smallest cell of that kind.",
        "TensorFlow 1's contrib is gone; hand-worked vectors stand in",
    ),
    "mut1": Text(
        "MUT1",
        _MUT,
        _FOUND.format(
            "z sees the input alone, and the candidate gets tanh(x) without a matrix, so that there must be as many "
            "inputs as units."
        ),
        "no framework has it; hand-worked vectors stand in",
    ),
    "mut2": Text(
        "MUT2",
        _MUT,
        _FOUND.format("r gets x itself, without a matrix, so that there must be as many inputs as units."),
    ),
    "mut3": Text(
        "MUT3",
        _MUT,
        _FOUND.format("the update gate sees tanh(h) in place of h, and nothing else differs."),
        "no framework has it; hand-worked vectors stand in",
    ),
}

# Arguments that are on a cell's page, with what they do. Those of Keras that change no number of a step are not.
OPTIONS: Mapping[str, str] = {
    "activation": "φ",
    "recurrent_activation": "σ",
    "output_activation": "ψ",
    "use_bias": "whether there is a b",
    "use_recurrent_bias": "a second bias d beside h U, as PyTorch, ONNX and cuDNN store it",
    "unit_forget_bias": "ones in the stored bias of f, at initialisation only",
    "forget_bias": "added to f's net input at run time, stored nowhere",
    "cells_per_block": "S cells that share their i, f and o, as the first papers' memory blocks do",
    "use_peepholes": "whether gates see c",
    "cell_clip": "c is kept within ± this",
    "num_proj": "h is projected to so many numbers",
    "proj_clip": "the projected h is kept within ± this",
    "coupled": "the gate that has no weights",
    "norm_epsilon": "ε",
    "variant": "one of the nine",
    "output_units": "how many numbers y has; `None`: as many as units, without V",
    "reset_after": "r multiplies h U (and its bias), or h",
}
