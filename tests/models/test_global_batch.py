"""Processes that share a batch; here two that hold the same images, as far as they exchange anything."""

from collections.abc import Callable

import pytest
import torch
from timm.layers import BatchNormAct2d
from timm.layers import DropPath as TimmDropPath
from torch import Tensor, distributed, nn

from mmseg.models import global_batch
from mmseg.models.dropout import DropPath, set_dropout
from mmseg.uda.augmentation import JitterStrength
from mmseg.uda.draws import Draws
from mmseg.uda.pseudo_label import mean_where

Place = Callable[[int], None]
IMAGES = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Makes this process number r of two."""

    def be(number: int) -> None:
        monkeypatch.setattr(distributed, 'is_initialized', lambda: True)
        monkeypatch.setattr(distributed, 'get_world_size', lambda: 2)
        monkeypatch.setattr(distributed, 'get_rank', lambda: number)
        monkeypatch.setattr(distributed, 'all_reduce', lambda x: x.mul_(2))

    return be


def test_one_process_is_left_alone() -> None:
    x, flags = torch.ones(3), torch.tensor([True])
    for function in (global_batch.total, global_batch.mean, global_batch.of_all):
        assert function(x) is x
    assert global_batch.anywhere(flags) is flags
    assert global_batch.own_rows(2) == slice(0, 2)
    norm = nn.BatchNorm2d(4)
    reference = nn.BatchNorm2d(4)
    global_batch.share_batch(norm)
    assert torch.equal(norm(IMAGES), reference(IMAGES))


@pytest.mark.parametrize('kind', [nn.BatchNorm2d, BatchNormAct2d])
@pytest.mark.parametrize('momentum', [0.1, None])
def test_statistics_of_all_images(kind: type[nn.Module], momentum: float | None, place: Place) -> None:
    norm, reference = kind(4), kind(4)
    for one in (norm, reference):
        one.momentum = momentum
        nn.init.normal_(one.weight, generator=torch.Generator().manual_seed(1))
    whole = reference(torch.cat([IMAGES, IMAGES]))
    keys = list(norm.state_dict())
    place(0)
    global_batch.share_batch(norm)
    torch.testing.assert_close(norm(IMAGES), whole[:2])
    assert list(norm.state_dict()) == keys
    for name, value in reference.state_dict().items():
        torch.testing.assert_close(norm.state_dict()[name], value)
    torch.testing.assert_close(norm.eval()(IMAGES), reference.eval()(IMAGES))


def test_gradient_through_statistics(place: Place) -> None:
    weights = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(2))
    whole = torch.cat([IMAGES, IMAGES]).requires_grad_()
    (nn.BatchNorm2d(4)(whole) * torch.cat([weights, weights])).sum().backward()
    place(0)
    norm, images = nn.BatchNorm2d(4), IMAGES.clone().requires_grad_()
    global_batch.share_batch(norm)
    (norm(images) * weights).sum().backward()
    torch.testing.assert_close(images.grad, whole.grad[:2])


@pytest.mark.parametrize(
    'layer',
    [nn.Dropout(0.5), nn.Dropout2d(0.5), DropPath(0.5), TimmDropPath(0.5), TimmDropPath(0.5, False)],
    ids=str,
)
def test_dropouts_are_those_of_the_whole_batch(layer: nn.Module, place: Place) -> None:
    torch.manual_seed(0)
    whole = layer(torch.cat([IMAGES, IMAGES]))
    parts: list[Tensor] = []
    for number in range(2):
        place(number)
        global_batch.share_batch(layer)
        torch.manual_seed(0)
        parts.append(layer(IMAGES))
    assert torch.equal(torch.cat(parts), whole)
    set_dropout(layer, active=False)
    assert torch.equal(layer(IMAGES), IMAGES)


@pytest.mark.parametrize('use', ['mix', 'weak', 'mask'])
def test_draws_are_those_of_the_whole_batch(use: str, place: Place) -> None:
    strength = JitterStrength(0.2, 0.2, 0.2, 0.1)
    labels = torch.arange(12).view(2, 1, 2, 3)

    def drawn(count: int) -> tuple[Tensor, ...]:
        draws = Draws(3, 5)
        jitter = draws.jitter(count, strength, use)  # type: ignore[arg-type]
        chosen = draws.mix_classes(labels.repeat(count // 2, 1, 1, 1))
        found = (
            jitter.factors,
            jitter.orders,
            draws.sigmas(count, use),
            chosen,
            draws.block_scores(count, 2, 2),
        )  # type: ignore[arg-type]
        return tuple(torch.as_tensor(one) for one in found)

    whole = drawn(4)
    gates = Draws(3, 5).gates()
    parts = []
    for number in range(2):
        place(number)
        parts.append(drawn(2))
        assert Draws(3, 5).gates() == gates
    for ours, theirs in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(ours, torch.cat(theirs))


def test_means_over_pixels_that_count(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    values, mask = torch.arange(6.0), torch.tensor([True, False, True, False, False, True])
    whole = mean_where(mask, values)
    parts = []
    for number, rows in enumerate((slice(0, 2), slice(2, 6))):
        place(number)
        monkeypatch.setattr(distributed, 'all_reduce', lambda x: x.copy_(mask.sum()))
        parts.append(mean_where(mask[rows], values[rows]))
    assert torch.stack(parts).mean() == whole
