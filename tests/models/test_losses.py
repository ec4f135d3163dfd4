"""Pixel cross entropy and accuracy: meaning, averaging, options."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.models.losses import CrossEntropyLoss, accuracy, pixel_cross_entropy, topk_accuracy

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (2, 3, 4, 5), labels with about a third ignored, weights."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 4, 5, generator=generator)
    label = torch.randint(0, 4, (2, 4, 5), generator=generator)
    label[label == 3] = 255
    return logits, label, torch.rand(2, 4, 5, generator=generator)


@given(seeds)
def test_mean_is_over_all_pixels(seed: int) -> None:
    logits, label, weight = drawn(seed)
    valid = label != 255
    own = logits.log_softmax(1).gather(1, label.masked_fill(~valid, 0).unsqueeze(1)).squeeze(1)
    expected = -(own * weight)[valid].sum() / label.numel()
    torch.testing.assert_close(pixel_cross_entropy(logits, label, weight), expected)


@given(seeds)
def test_reductions_agree(seed: int) -> None:
    logits, label, weight = drawn(seed)
    each = pixel_cross_entropy(logits, label, weight, reduction='none')
    assert each.shape == label.shape
    assert (each[label == 255] == 0).all()
    torch.testing.assert_close(pixel_cross_entropy(logits, label, weight, reduction='sum'), each.sum())
    torch.testing.assert_close(pixel_cross_entropy(logits, label, weight, avg_factor=7), each.sum() / 7)


@given(seeds)
def test_class_weights_keep_the_denominator(seed: int) -> None:
    logits, label, _ = drawn(seed)
    factors = [2.0, 0.0, 0.5]
    per_pixel = torch.tensor([*factors, 0.0])[label.clamp(max=3)]
    weighted = CrossEntropyLoss(class_weight=factors)(logits, label)
    torch.testing.assert_close(weighted, pixel_cross_entropy(logits, label, per_pixel))


@given(seeds, st.floats(0.01, 10), st.sampled_from(['mean', 'sum', 'none']))
def test_loss_weight_multiplies_in_every_case(seed: int, factor: float, reduction: str) -> None:
    logits, label, _ = drawn(seed)
    plain = CrossEntropyLoss(reduction=reduction)(logits, label)
    torch.testing.assert_close(
        CrossEntropyLoss(reduction=reduction, loss_weight=factor)(logits, label), factor * plain
    )
    overridden = CrossEntropyLoss(loss_weight=factor)(logits, label, reduction_override=reduction)
    torch.testing.assert_close(overridden, factor * plain)


def test_a_good_prediction_scores_better() -> None:
    label = torch.tensor([[[0, 1], [2, 255]]])
    good = 3.0 * torch.nn.functional.one_hot(label.clamp(max=2), 3).permute(0, 3, 1, 2).float()
    assert pixel_cross_entropy(good, label) < pixel_cross_entropy(torch.zeros_like(good), label)
    assert pixel_cross_entropy(torch.zeros_like(good), label) < pixel_cross_entropy(-good, label)


def test_all_ignored_is_zero_with_zero_gradient() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = pixel_cross_entropy(logits, torch.full((1, 2, 2), 255))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_wrong_options_are_errors() -> None:
    logits, label, _ = drawn(0)
    with pytest.raises(ValueError, match='median'):
        pixel_cross_entropy(logits, label, reduction='median')
    with pytest.raises(ValueError, match='avg_factor'):
        pixel_cross_entropy(logits, label, reduction='sum', avg_factor=3)
    with pytest.raises(ConfigError, match='use_sigmoid=True'):
        CrossEntropyLoss(use_sigmoid=True)


def test_class_weights_are_not_in_the_state_dict() -> None:
    assert CrossEntropyLoss(class_weight=[1.0, 2.0]).state_dict() == {}


def test_accuracy_counts_ignored_pixels_as_wrong() -> None:
    logits = torch.zeros(1, 3, 2, 2)
    logits[:, 1] = 1.0
    logits[:, 2] = 0.5
    label = torch.tensor([[[1, 2], [0, 255]]])
    assert accuracy(logits, label).item() == 25.0
    assert [value.item() for value in topk_accuracy(logits, label, (1, 2, 3))] == [25.0, 50.0, 75.0]


@given(seeds)
def test_top1_is_accuracy(seed: int) -> None:
    logits, label, _ = drawn(seed)
    assert topk_accuracy(logits, label, (1,))[0] == accuracy(logits, label)
