"""Scales and flips at test time."""

from typing import Any

import numpy as np
import pytest

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms import MultiScaleFlipAug
from mmseg.datasets.transforms.reading import start_results
from mmseg.errors import ConfigError

INNER = [
    {'type': 'Resize', 'keep_ratio': True},
    {'type': 'RandomFlip'},
    {'type': 'Normalize', 'mean': [0, 0, 0], 'std': [1, 1, 1]},
    {'type': 'ImageToTensor', 'keys': ['img']},
    {'type': 'Collect', 'keys': ['img']},
]


def run(**options: Any) -> dict[str, Any]:
    """A random 20x12 picture."""
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    results = start_results({'seg_fields': []}, image, 'a.png', 'a.png')
    return MultiScaleFlipAug(transforms=INNER, **options)(results, rng_for(0, 0))


def test_plain_test_is_one_version() -> None:
    got = run(img_scale=(40, 24))
    assert [tuple(image.shape) for image in got['img']] == [(3, 24, 40)]
    assert got['img_metas'][0]['flip'] is False
    assert got['img_metas'][0]['ori_shape'] == (12, 20, 3)


def test_order_is_scale_flip_direction() -> None:
    got = run(img_scale=(20, 12), img_ratios=[0.5, 1.0], flip=True, flip_direction=['horizontal', 'vertical'])
    facts = [(meta['img_shape'][0], meta['flip'], meta['flip_direction'][0]) for meta in got['img_metas']]
    assert facts == [(h, f, d) for h in (6, 12) for f in (False, True) for d in 'hv']


def test_flipped_version_is_the_mirror_image() -> None:
    plain, flipped = run(img_scale=(20, 12), flip=True)['img']
    np.testing.assert_array_equal(flipped.numpy(), plain.numpy()[..., ::-1])


def test_ratios_are_truncated_and_may_refer_to_the_own_size() -> None:
    step = MultiScaleFlipAug(transforms=INNER, img_ratios=0.6)
    assert step.test_scales(height=12, width=21) == [(12, 7)]


def test_list_of_scales() -> None:
    assert [image.shape[1] for image in run(img_scale=[(20, 12), (40, 24)])['img']] == [12, 24]


def test_wrong_options_are_explained() -> None:
    with pytest.raises(ConfigError, match='single img_scale'):
        run(img_scale=[(20, 12), (40, 24)], img_ratios=[0.5])
    with pytest.raises(ConfigError, match='flip_direction'):
        run(img_scale=(20, 12), flip_direction='left')
