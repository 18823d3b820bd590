"""Pictures as style transfer passes them to an encoder, for a student of VGG to learn on.

A student that knows photographs and paintings alone is easily fooled: adapting against it finds
pictures that please it and not its teacher. So it learns on the pictures that adapting against it
makes, while it learns (Ross et al. 2011 call this DAgger), and on pixels that descend its losses.
"""

from __future__ import annotations

import random
from copy import deepcopy

import torch
from torch import Tensor
from torch.func import functional_call

from gesso.encoders.compact import CompactEncoder
from gesso.fit import FitConfig, make_optimizer
from gesso.losses import LEVELS, Encode, Objective, grams
from gesso.networks import TransferNet, is_affine

STEP_PX = 0.03  # one signed step of the pixel descent, in image units
LONGEST = 150  # steps of an adaptation; the shortest takes 4


def _judge(student: CompactEncoder) -> Encode:
    """The student as it is, none of whose weights asks for a gradient."""
    weights = {name: p.detach() for name, p in student.named_parameters()}
    return lambda image, levels: functional_call(student, weights, (image, levels))


class Players:
    """Networks in the middle of being adapted to a style each, judged by the student.

    Every call makes one step with every network and returns its picture from before the step. An
    adaptation that is over begins anew: from the start, now and then with shaken weights, towards
    another style, for another number of steps, at another speed.
    """

    def __init__(self, student: CompactEncoder, start: TransferNet, count: int, seed: int) -> None:
        self.student, self.start = student, start
        self.random = random.Random(seed)
        self.players: list[_Player | None] = [None] * count

    def __call__(self, contents: Tensor, styles: Tensor) -> Tensor:
        """contents and styles (count, 3, h, w) → pictures (count, 3, h, w)."""
        pictures = []
        for i in range(len(self.players)):
            player = self.players[i]
            if player is None or not player.left:
                player = self.players[i] = _Player(self.student, self.start, styles[i], self.random)
            pictures.append(player.step(contents[i : i + 1]))
        return torch.cat(pictures)


class _Player:
    def __init__(
        self, student: CompactEncoder, start: TransferNet, style: Tensor, rng: random.Random
    ) -> None:
        self.student, self.style = student, style.unsqueeze(0)
        self.net = deepcopy(start).requires_grad_()
        if rng.random() < 0.25:
            self.net.load_state_dict(_shaken(self.net))
        self.left = round(4 * (LONGEST / 4) ** rng.random())
        self.objective = Objective(
            style_weight=0.5 * 8 ** rng.random(), tv_weight=1.0, saturation_weight=0.05
        )
        speed = 0.3 * 5 ** rng.random()
        config = FitConfig()
        config = FitConfig(lr=config.lr * speed, affine_lr=config.affine_lr * speed)
        self.optimizer = make_optimizer(list(self.net.named_parameters()), config)

    def step(self, content: Tensor) -> Tensor:
        self.left -= 1
        judge, level = _judge(self.student), self.objective.content_level
        with torch.no_grad():  # anew at every step: the student has learned since
            target = grams(judge(self.style, LEVELS))
            features = judge(content, [level])[level]
        raw = self.net(content, raw=True)
        terms = self.objective.of_network(raw, judge, features, target)
        parameters = list(self.net.parameters())
        loss = torch.stack(list(terms.values())).sum()
        for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.grad = gradient
        self.optimizer.step()
        return torch.sigmoid(raw.detach())


def descend(student: CompactEncoder, net: TransferNet, contents: Tensor, styles: Tensor) -> Tensor:
    """Pictures of a network with shaken weights, blended at random with their contents, then up to
    four signed steps of the pixels down the student's own objective: (B, 3, h, w)."""
    with torch.no_grad():
        image: Tensor = functional_call(net, _shaken(net), (contents,))
        share = torch.rand(len(contents), 1, 1, 1).to(contents.device)
        image = (contents + share * (image - contents)).clamp(0, 1)
    objective, judge = Objective(style_weight=float(torch.rand(()) * 2)), _judge(student)
    with torch.no_grad():
        targets = grams(judge(styles, LEVELS), objective.style_levels)
        content = judge(contents, [objective.content_level])[objective.content_level]
    for _ in range(int(torch.randint(0, 5, ()))):
        x = image.clone().requires_grad_()
        terms = objective(x, judge(x, LEVELS), content, targets)
        (gradient,) = torch.autograd.grad(sum(terms.values()).sum(), x)  # type: ignore[union-attr]
        image = (image - STEP_PX * torch.rand(()) * gradient.sign()).clamp(0, 1)
    return image.detach()


def _shaken(net: TransferNet) -> dict[str, Tensor]:
    scale = float(torch.rand(()))
    shaken = {}
    for name, p in net.named_parameters():
        spread = 0.6 if is_affine(name) else 0.3 * float(p.detach().std())
        shaken[name] = p.detach() + scale * spread * torch.randn_like(p)
    return shaken
