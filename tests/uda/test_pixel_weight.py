"""Weights of single pseudo-label pixels."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.uda.pixel_weight import PixelWeight, build_pixel_weight
from tests.uda.networks import observed, small_batch, small_method, train

PROBABILITY = torch.tensor([[[0.9, 0.5], [0.9, 0.3]]])
LABEL = torch.tensor([[[0, 0], [0, 1]]])


def test_sure_pixels_count_and_unsure_ones_do_not() -> None:
    weight = PixelWeight(0.8, 3, by_class=False)
    assert weight(PROBABILITY, LABEL).tolist() == [[[1, 0], [1, 0]]]
    assert weight.state_dict() == {}


def test_threshold_of_a_class_follows_how_surely_it_is_predicted() -> None:
    weight = PixelWeight(0.7, 3, by_class=True, momentum=0.0)
    torch.testing.assert_close(weight.thresholds(), torch.full((3,), 0.7))
    found = weight(PROBABILITY, LABEL)
    mean = (0.9 + 0.5 + 0.9) / 3
    torch.testing.assert_close(weight.thresholds(), 0.7 * torch.tensor([mean, 0.3, 1 / 3]) / mean)
    assert found.tolist() == [[[1, 0], [1, 1]]]


def test_means_move_slowly_and_only_for_predicted_classes() -> None:
    weight = PixelWeight(0.9, 3, by_class=True, momentum=0.5)
    weight(PROBABILITY, LABEL)
    torch.testing.assert_close(weight.confidence[1:], torch.tensor([(1 / 3 + 0.3) / 2, 1 / 3]))
    assert list(weight.state_dict()) == ['confidence']


def test_other_values_are_a_user_error_and_batch_is_no_part() -> None:
    assert build_pixel_weight('batch', 0.9, 3) is None
    with pytest.raises(ConfigError, match=r'uda\.pseudo_weight.*batch, pixel, class'):
        build_pixel_weight('all', 0.9, 3)


def test_method_weighs_target_pixels_singly_and_pasted_ones_fully() -> None:
    method = small_method(pseudo_weight='pixel', pseudo_threshold=0.35)
    groups = observed(method)
    train(method, [small_batch()])
    seen = groups['mixed'].seen
    assert set(seen['weight'].unique().tolist()) == {0.0, 1.0}
    assert (seen['weight'][seen['mask'].squeeze(1)] == 1).all()
    probability = method.teacher.generate_pseudo_label(small_batch()['target_img']).softmax(dim=1).amax(dim=1)
    outside = ~seen['mask'].squeeze(1)
    assert torch.equal(seen['weight'][outside], (probability >= 0.35).float()[outside])
