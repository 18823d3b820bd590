"""Training pictures for the compact encoder: what it sees during adaptation and polishing.

A student that knows only photographs and paintings is easily fooled: adapting against it finds
pictures that please it and not its teacher. Therefore it learns on pictures of networks that are
being adapted against it while it learns (Ross et al. 2011 call this DAgger), and on pictures whose
pixels descend its own losses, as polishing makes them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import Parameter

from gesso.encoders.compact import CompactEncoder
from gesso.encoders.levels import LEVELS
from gesso.fitting.adam import Adam
from gesso.fitting.config import FitOptions
from gesso.fitting.network import make_optimizer
from gesso.losses.objectives import Objective
from gesso.losses.terms import Encode, grams, total
from gesso.nn.transfer import TransferNet, is_affine

LONGEST = 150  # steps of an adaptation; the shortest takes 4
LONGEST_DESCENT = 60  # steps of a descent on pixels; the shortest takes 2
DESCENT_LR = 0.02  # that of polishing; each descent takes from a half to twice of it


class Emitted(NamedTuple):
    """A picture between a content and a style; each (1, 3, h, w)."""

    picture: Tensor
    content: Tensor
    style: Tensor


def _judge(student: CompactEncoder) -> Encode:
    """The student as an encoder whose weights ask for no gradient."""
    weights = {name: p.detach() for name, p in student.named_parameters()}
    return lambda image, levels: functional_call(student, weights, (image, levels))


class AdaptationPool:
    """Transfer networks, each partly adapted to its own style with the student as encoder.

    Every call makes one step with every network and returns its picture from before the step. An
    adaptation that is over begins anew: from the start, now and then with shaken weights, towards
    another style, for another number of steps, at another speed.
    """

    def __init__(self, student: CompactEncoder, start: TransferNet, count: int, seed: int) -> None:
        self.student, self.start = student, start
        self.random = random.Random(seed)
        self.adaptations: list[_Adaptation | None] = [None] * count

    def __call__(self, contents: Tensor, styles: Tensor) -> list[Emitted]:
        """contents and styles (count, 3, h, w) → pictures, their contents and styles."""
        emitted = []
        for i in range(len(self.adaptations)):
            one = self.adaptations[i]
            if one is None or not one.left:
                one = self.adaptations[i] = _Adaptation(
                    self.student, self.start, styles[i], self.random
                )
            content = contents[i : i + 1]
            emitted.append(Emitted(one.step(content), content, one.style))
        return emitted


class _Adaptation:
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
        usual = FitOptions()
        options = FitOptions(lr=usual.lr * speed, affine_lr=usual.affine_lr * speed)
        self.optimizer = make_optimizer(list(self.net.named_parameters()), options)

    def step(self, content: Tensor) -> Tensor:
        self.left -= 1
        judge, level = _judge(self.student), self.objective.content_level
        with torch.no_grad():  # anew at every step: the student has learned since
            target = grams(judge(self.style, LEVELS))
            features = judge(content, [level])[level]
        raw = self.net(content, raw=True)
        terms = self.objective.of_network(raw, judge, features, target)
        parameters = list(self.net.parameters())
        loss = total(terms).sum()
        for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.grad = gradient
        self.optimizer.step()
        return torch.sigmoid(raw.detach())


class DescentPool:
    """Pictures, each some steps down the student's own objective.

    Every call makes one step with every picture and returns the pictures from before the step. A
    descent that is over begins anew, from a network's picture blended with its content.
    """

    def __init__(self, student: CompactEncoder, count: int, seed: int) -> None:
        self.student = student
        self.random = random.Random(seed)
        self.descents: list[_Descent | None] = [None] * count

    def __call__(self, starts: Sequence[Emitted]) -> list[Tensor]:
        """Pictures, each (1, 3, h, w); new descents begin with one of `starts`."""
        pictures = []
        for i, descent in enumerate(self.descents):
            if descent is None or not descent.left:
                descent = _Descent(self.student, self.random.choice(starts), self.random)
                self.descents[i] = descent
            pictures.append(descent.step())
        return pictures


class _Descent:
    def __init__(self, student: CompactEncoder, start: Emitted, rng: random.Random) -> None:
        self.student, self.start = student, start
        share = min(1.0, 1.5 * rng.random())  # 1, a third of the time: the network's picture
        self.pixels = Parameter(torch.lerp(start.content, start.picture, share))
        self.left = round(2 * (LONGEST_DESCENT / 2) ** rng.random())
        self.objective = Objective(
            style_weight=0.5 * 6 ** rng.random(), tv_weight=rng.choice((0.0, 3.0))
        )
        self.optimizer = Adam([([self.pixels], DESCENT_LR * 2 ** rng.uniform(-1, 1))])

    def step(self) -> Tensor:
        self.left -= 1
        judge, level = _judge(self.student), self.objective.content_level
        before = self.pixels.detach().clone()
        with torch.no_grad():  # anew at every step: the student has learned since
            target = grams(judge(self.start.style, LEVELS))
            content = judge(self.start.content, [level])[level]
        loss = total(self.objective(self.pixels, judge(self.pixels, LEVELS), content, target)).sum()
        (self.pixels.grad,) = torch.autograd.grad(loss, [self.pixels])
        self.optimizer.step()
        with torch.no_grad():
            self.pixels.clamp_(0, 1)
        return before


def _shaken(net: TransferNet) -> dict[str, Tensor]:
    scale = float(torch.rand(()))
    shaken = {}
    for name, p in net.named_parameters():
        spread = 0.6 if is_affine(name) else 0.3 * float(p.detach().std())
        shaken[name] = p.detach() + scale * spread * torch.randn_like(p)
    return shaken
