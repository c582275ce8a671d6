"""PyTorch's `nn.RNN`, `nn.LSTM` and `nn.GRU` at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comparisons.benching.calls import Call
from comparisons.benching.work import Answer, Work, arrays
from comparisons.frameworks.pytorch import network
from reference import pack, unpack


def call(job: str, work: Work) -> Call:
    """The job as a call, on `(B, T, X)` as Keras has it."""
    return JOBS[job](work, network(work.layer, "float32").train())


def _step(work: Work, module: Any) -> Call:
    import torch

    x, d_outputs = torch.tensor(work.x, requires_grad=True), torch.tensor(work.d_outputs)
    parameters = list(module.parameters())

    def run() -> Any:
        outputs, _ = module(x)
        return outputs, torch.autograd.grad(outputs, [x, *parameters], d_outputs)

    def answer() -> Answer:
        outputs, (d_x, *gradients) = run()
        return {"outputs": outputs.detach().numpy(), "inputs": d_x.numpy(), **_named(work, module, gradients)}

    return Call(run, answer)


def _fit(work: Work, module: Any) -> Call:
    import torch

    x, targets = torch.tensor(work.x), torch.tensor(work.targets)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)  # the same weights at every step

    def run() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(module(x)[0], targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    def answer() -> Answer:
        before = {name: a.clone() for name, a in module.state_dict().items()}
        optimizer.param_groups[0]["lr"] = work.targets.size / 2  # makes the mean of squares half their sum
        run()
        after = [a.detach().clone() for a in module.parameters()]
        optimizer.param_groups[0]["lr"] = 0.0
        module.load_state_dict(before)
        return _named(work, module, after)

    return Call(run, answer)


def _forward(work: Work, module: Any) -> Call:
    import torch

    module, x = module.eval(), torch.tensor(work.x)

    def run() -> Any:
        with torch.inference_mode():
            return module(x)[0].numpy()

    return Call(run, lambda: {"outputs": run()})


JOBS: dict[str, Callable[[Work, Any], Call]] = {"step": _step, "fit": _fit, "forward": _forward}


def _named(work: Work, module: Any, given: Any) -> Answer:
    """Arrays in the order of the module's parameters, under the names and in the order of gates of the reference."""
    named = {name: a.numpy() for (name, _), a in zip(module.named_parameters(), given, strict=True)}
    found: Any = unpack("pytorch", work.cell, named, **pack(work.layer, "pytorch").options)
    return arrays(found.weights)
