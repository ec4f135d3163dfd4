"""Means of gradients over the processes; the second process has the gradients of the first one plus 3."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mmseg.engine import gradients
from mmseg.engine.gradients import GradientAverage


class Sent:
    """An exchange that has been started."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.waited = tensor, False

    def wait(self) -> None:
        """The sum is there."""
        assert not self.waited
        self.tensor.mul_(2).add_(3.0)
        self.waited = True


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Two processes, and what has been exchanged."""
    started: list[Sent] = []

    def all_reduce(tensor: Tensor, group: object, async_op: bool) -> Sent:
        assert async_op
        started.append(Sent(tensor))
        return started[-1]

    monkeypatch.setattr(gradients, 'world_size', lambda: 2)
    monkeypatch.setattr(gradients.distributed, 'new_group', lambda: None)
    monkeypatch.setattr(gradients.distributed, 'all_reduce', all_reduce)
    return started


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> list[nn.Parameter]:
    """Three layers that multiply by 1, a bucket each, and one that nothing uses."""
    monkeypatch.setattr(gradients, 'BUCKET_ELEMENTS', 2)
    return [nn.Parameter(torch.ones(2)) for _ in range(4)]


def network(layers: list[nn.Parameter], used: int = 3) -> Tensor:
    """The gradient of each used layer is 1."""
    x = torch.ones(2)
    for layer in layers[:used]:
        x = x * layer
    return x.sum()


def step(average: GradientAverage, layers: list[nn.Parameter], *losses: Callable[[], Tensor]) -> None:
    """One step, its passes in order."""
    average.begin()
    for layer in layers:
        layer.grad = None
    for loss in losses:
        average.next_pass()
        loss().backward()
    average.finish()


def test_alone() -> None:
    parameter = nn.Parameter(torch.ones(2))
    average = GradientAverage([parameter])
    step(average, [parameter], lambda: parameter.sum())
    assert parameter.grad is not None
    assert parameter.grad.tolist() == [1, 1]


def values(layers: list[nn.Parameter]) -> list[float | None]:
    return [None if layer.grad is None else layer.grad.unique().item() for layer in layers]


@pytest.mark.parametrize('overlap', [True, False])
def test_gradients_become_means(overlap: bool, layers: list[nn.Parameter], sent: list[Sent]) -> None:
    average = GradientAverage(layers, overlap)
    for _ in range(2):
        step(average, layers, lambda: network(layers))
        assert values(layers) == [2.5, 2.5, 2.5, None]
        step(average, layers, lambda: network(layers), lambda: network(layers, 2), lambda: network(layers))
        assert values(layers) == [4.5, 4.5, 3.5, None]
    assert all(one.waited for one in sent)


def test_they_set_out_during_the_last_pass(layers: list[nn.Parameter], sent: list[Sent]) -> None:
    average = GradientAverage(layers[:3])
    seen: list[list[int]] = []
    for layer in layers[:3]:
        layer.register_post_accumulate_grad_hook(lambda _: seen[-1].append(len(sent)))
    for _ in range(2):
        seen.append([])
        sent.clear()
        step(average, layers, lambda: network(layers), lambda: network(layers))
        assert len(sent) == 3
    assert seen[0] == [0] * 6
    assert seen[1] == [0, 0, 0, 1, 2, 3]
    assert average.early == 3


def test_a_pass_more_than_before(layers: list[nn.Parameter], sent: list[Sent]) -> None:
    """The mean of the first pass is made in vain, and the sum is right."""
    average = GradientAverage(layers[:3])
    step(average, layers, lambda: network(layers))
    step(average, layers, lambda: network(layers), lambda: network(layers))
    # The second process is played: it has what this one has, plus 3, in each exchange.
    assert values(layers) == [5.0, 5.0, 5.0, None]


def test_a_pass_less_than_before(layers: list[nn.Parameter], sent: list[Sent]) -> None:
    average = GradientAverage(layers[:3])
    step(average, layers, lambda: network(layers), lambda: network(layers))
    step(average, layers, lambda: network(layers))
    assert values(layers) == [2.5, 2.5, 2.5, None]
    assert average.early == 0


def test_a_step_that_broke_off(layers: list[nn.Parameter], sent: list[Sent]) -> None:
    average = GradientAverage(layers[:3])
    step(average, layers, lambda: network(layers))
    average.begin()
    average.next_pass()
    network(layers).backward()
    step(average, layers, lambda: network(layers))
    assert values(layers) == [2.5, 2.5, 2.5, None]


def test_a_layer_that_is_frozen_for_the_pass(layers: list[nn.Parameter], sent: list[Sent]) -> None:
    """As adversarial training freezes its discriminators: they have what an earlier pass gave them."""
    average = GradientAverage(layers[:3])

    def frozen() -> Tensor:
        layers[2].requires_grad_(False)
        return network(layers)

    for _ in range(2):
        layers[2].requires_grad_(True)
        step(average, layers, lambda: network(layers), frozen)
        assert values(layers) == [3.5, 3.5, 2.5, None]


def test_number_formats_travel_apart(sent: list[Sent]) -> None:
    layers = [nn.Parameter(torch.ones(2, dtype=kind)) for kind in (torch.float32, torch.float64)]
    step(GradientAverage(layers), layers, lambda: (layers[0] * layers[1]).sum())
    assert [one.tensor.dtype for one in sent] == [torch.float64, torch.float32]
    assert values(layers) == [2.5, 2.5]
