"""Pseudo-labels and their weights."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.uda.pseudo_label import ignore_pixels, pseudo_label, trusted_pseudo_label


def logits_of(probabilities):
    """Logits (B, 2, 1, W) whose first class has the given probabilities (B, W)."""
    first = torch.tensor(probabilities).unsqueeze(1)
    return torch.stack([first, 1 - first], dim=1).squeeze(2).unsqueeze(2).log()


def test_the_weight_is_one_share_of_the_whole_batch():
    found = pseudo_label(logits_of([[0.9, 0.9, 0.9, 0.6], [0.55, 0.2, 0.6, 0.6]]), 0.7)
    assert found.label.tolist() == [[[0, 0, 0, 0]], [[0, 1, 0, 0]]]
    assert found.confident.item() == pytest.approx(4 / 8)
    assert found.weight.shape == (2, 1, 4)
    assert found.weight.unique().tolist() == [pytest.approx(0.5)]


def test_a_probability_equal_to_the_threshold_counts():
    logits = torch.zeros(1, 2, 3, 3)
    assert pseudo_label(logits, 0.5).confident == 1
    assert pseudo_label(logits, 0.5 + 1e-6).confident == 0


def test_rows_are_ignored_at_top_and_bottom():
    weight = ignore_pixels(torch.ones(2, 5, 3), top=1, bottom=2, valid=None)
    assert weight[:, :, 0].tolist() == [[0, 1, 1, 0, 0]] * 2


@pytest.mark.parametrize('top, bottom', [(9, 0), (0, 9), (3, 3)])
def test_more_rows_than_there_are_ignore_everything(top, bottom):
    assert ignore_pixels(torch.ones(1, 4, 4), top, bottom, None).sum() == 0


def test_the_given_weight_is_not_changed():
    weight = torch.ones(1, 4, 4)
    ignore_pixels(weight, 1, 1, None)
    assert weight.min() == 1


def test_a_mask_multiplies():
    valid = torch.ones(1, 1, 4, 4, dtype=torch.uint8)
    valid[..., 0] = 0
    found = trusted_pseudo_label(torch.zeros(1, 2, 4, 4), 0.5, valid=valid)
    assert found.weight[0].tolist() == [[0, 1, 1, 1]] * 4
    assert found.confident == 1, 'the share is taken before pixels are ignored'


def test_rows_and_mask_together_are_an_error_that_names_both_options():
    with pytest.raises(ConfigError, match=r'pseudo_weight_ignore_top.*crop_pseudo_margins'):
        ignore_pixels(torch.ones(1, 4, 4), 1, 0, torch.ones(1, 1, 4, 4))


def test_no_gradient_reaches_the_teacher():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    assert not trusted_pseudo_label(logits, 0.5).weight.requires_grad
