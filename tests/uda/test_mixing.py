"""Class mixing."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.uda.draws import Draws
from mmseg.uda.mixing import LABEL_VALUES, choose_half, class_mask, mix, present_values

label_values = st.sets(st.integers(0, 255), min_size=1, max_size=40)


@settings(deadline=None)
@given(label_values, st.integers(1, 4), st.integers(0, 1000))
def test_half_of_the_present_values_rounded_up_are_chosen_for_each_image(values, batch, seed):
    present = torch.zeros(LABEL_VALUES, dtype=torch.bool)
    present[list(values)] = True
    scores = torch.rand(batch, LABEL_VALUES, generator=torch.Generator().manual_seed(seed))
    chosen = choose_half(present, scores)
    assert chosen.sum(dim=1).tolist() == [(len(values) + 1) // 2] * batch
    assert not chosen[:, ~present].any()


def test_the_pool_is_that_of_the_whole_batch_with_the_ignore_value():
    labels = torch.tensor([[[[0, 3]]], [[[255, 3]]]])
    assert present_values(labels).nonzero().flatten().tolist() == [0, 3, 255]


def test_images_choose_independently_and_every_class_comes_up():
    labels = torch.arange(8).view(1, 1, 2, 4).expand(64, -1, -1, -1)
    chosen = Draws(0, 0).mix_classes(labels)[:, :8]
    assert len(chosen.unique(dim=0)) > 10
    assert chosen.float().mean(dim=0).sub(0.5).abs().max() < 0.25


def test_mask_and_mix_take_the_chosen_pixels_of_the_source():
    label = torch.tensor([[[[0, 1, 255]]], [[[1, 1, 0]]]])
    chosen = torch.zeros(2, LABEL_VALUES, dtype=torch.bool)
    chosen[0, [0, 255]] = True
    chosen[1, 0] = True
    mask = class_mask(label, chosen)
    assert mask.tolist() == [[[[True, False, True]]], [[[False, False, True]]]]
    target = torch.full_like(label, 9)
    assert mix(mask, label, target).tolist() == [[[[0, 9, 255]]], [[[9, 9, 0]]]]
    images = mix(mask, torch.ones(2, 3, 1, 3), torch.zeros(2, 3, 1, 3))
    assert images[0, :, 0].tolist() == [[1, 0, 1]] * 3


def test_labels_that_are_all_ignored_paste_the_whole_source():
    label = torch.full((3, 1, 4, 5), 255)
    assert class_mask(label, Draws(0).mix_classes(label)).all()
