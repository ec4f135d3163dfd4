"""Lab mean and standard deviation are carried over."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.datasets.presets import train_pipeline
from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms import ColourTransfer
from mmseg.datasets.transforms.colour_transfer import lab_statistics, to_lab, transfer_colours
from mmseg.errors import ConfigError


def picture(seed: int, low: int = 90, high: int = 160) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (24, 32, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'sequence').mkdir()
    cv2.imwrite(str(tmp_path / 'sequence/dark.png'), picture(1, 20, 60))
    cv2.imwrite(str(tmp_path / 'bright.png'), picture(2, 180, 220))
    return tmp_path


@given(st.integers(0, 999), st.integers(1000, 1999))
@settings(max_examples=20, deadline=None)
def test_result_has_the_statistics_of_the_other_picture(first: int, second: int) -> None:
    wanted = lab_statistics(to_lab(picture(second, 70, 140)))
    found = lab_statistics(to_lab(transfer_colours(picture(first), wanted)))
    np.testing.assert_allclose(found[0], wanted[0], atol=0.5)
    np.testing.assert_allclose(found[1], wanted[1], atol=1.0)


def test_own_statistics_change_nothing_but_rounding() -> None:
    image = picture(3, 0, 255)
    moved = transfer_colours(image, lab_statistics(to_lab(image)))
    assert np.abs(moved.astype(int) - image).max() <= 1


def test_picture_of_one_colour_becomes_the_mean_colour() -> None:
    wanted = lab_statistics(to_lab(picture(4)))
    moved = transfer_colours(np.full((8, 8, 3), 77, np.uint8), wanted)
    assert len(np.unique(moved.reshape(-1, 3), axis=0)) == 1
    np.testing.assert_allclose(to_lab(moved)[0, 0], wanted[0], atol=0.5)


def test_draws_every_file_and_leaves_pictures_alone_as_often_as_asked(folder: Path) -> None:
    step = ColourTransfer(str(folder), '.png', prob=0.5)
    drawn = [step.draw({}, rng_for(0, i)) for i in range(400)]
    assert set(drawn) == {None, 0, 1}
    assert 150 < drawn.count(None) < 250
    image = picture(5)
    assert step.apply({'img': image}, None)['img'] is image
    bright, dark = (step.apply({'img': image}, number)['img'].mean() for number in (0, 1))
    assert dark < 70 < 170 < bright


def test_preset_puts_it_before_the_crop() -> None:
    steps = [step['type'] for step in train_pipeline((8, 8), (4, 4), colour_transfer={'img_dir': 'x'})]
    assert steps.index('Resize') + 1 == steps.index('ColourTransfer') == steps.index('RandomCrop') - 1


def test_folder_without_pictures_and_bad_probability_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='found no picture'):
        ColourTransfer(str(tmp_path))
    with pytest.raises(ConfigError, match='prob is 2'):
        ColourTransfer(str(tmp_path), prob=2)
