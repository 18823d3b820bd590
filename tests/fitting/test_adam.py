"""Adam: the same numbers as torch's."""

from __future__ import annotations

import subprocess
import sys

import torch

from gesso.fitting.adam import Adam


def test_it_takes_the_steps_of_torchs() -> None:
    torch.manual_seed(0)
    start = [torch.randn(3, 4), torch.randn(5)]
    ours, theirs = ([torch.nn.Parameter(p.clone()) for p in start] for _ in range(2))
    adam = Adam([([ours[0]], 0.1), ([ours[1]], 0.01)])
    reference = torch.optim.Adam(
        [{"params": [theirs[0]], "lr": 0.1}, {"params": [theirs[1]], "lr": 0.01}]
    )
    for step in range(10):
        if step == 5:
            adam.groups[0].lr = reference.param_groups[0]["lr"] = 0.05
        for parameters, optimizer in ((ours, adam), (theirs, reference)):
            optimizer.zero_grad()
            sum((p.pow(4) - p).sum() for p in parameters).backward()
            optimizer.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def test_a_parameter_without_a_gradient_stays() -> None:
    still = torch.nn.Parameter(torch.ones(2))
    Adam([([still], 0.1), ([], 0.1)]).step()
    assert torch.equal(still.detach(), torch.ones(2))


def test_adapting_does_not_import_torchs_compiler() -> None:
    code = (
        "import sys, torch, gesso.fitting.network as fit; p = torch.nn.Parameter(torch.ones(2));"
        "p.grad = torch.ones(2); fit.make_optimizer([('a', p)], fit.FitOptions()).step();"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
