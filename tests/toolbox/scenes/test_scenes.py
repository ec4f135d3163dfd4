"""Built-in scenes: every class, the same seed the same scene, three raw layouts that say the same."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.errors import DataError
from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.label_formats import CITYSCAPES, GTA, SYNTHIA
from mmseg.toolbox.scenes.paint import COLOURS, STYLES, draw_scene
from mmseg.toolbox.scenes.scene import make_scene
from mmseg.toolbox.scenes.writers import write_cityscapes, write_gta, write_synthia

SIZE = (128, 64)


@pytest.mark.parametrize('first', [0, 31])
@pytest.mark.parametrize('size', [SIZE, (256, 128), (320, 240)])
def test_three_scenes_hold_all_classes(first: int, size: tuple[int, int]) -> None:
    labels = [make_scene(seed, size).train_ids() for seed in range(first, first + 3)]
    assert labels[0].shape == (size[1], size[0])
    assert set(np.unique(labels)) == {*range(19), 255}


@pytest.mark.parametrize('style', STYLES)
def test_a_scene_is_a_function_of_style_and_seed(style: str) -> None:
    first, again, other = (draw_scene(make_scene(seed, SIZE), style) for seed in (5, 5, 6))
    assert first.shape == (64, 128, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_styles_differ_in_appearance_only() -> None:
    scene = make_scene(3, SIZE)
    render, photo = (draw_scene(scene, style).astype(float) for style in STYLES)
    assert np.abs(render - photo).mean() > 20
    road = scene.train_ids() == 0
    assert photo[road].std() > render[road].std() / 2
    assert len(np.unique(render.reshape(-1, 3), axis=0)) < len(np.unique(photo.reshape(-1, 3), axis=0)) / 4


def test_every_paint_has_colours_in_both_styles() -> None:
    used = {part.paint.partition('.')[0] for seed in range(12) for part in make_scene(seed, SIZE).parts}
    assert used <= COLOURS.keys()
    assert all(all(choices) for choices in COLOURS.values())


def test_gta_layout_converts_to_the_drawn_classes(tmp_path: Path) -> None:
    write_gta(tmp_path, 2, SIZE, first_seed=7)
    convert(str(tmp_path), GTA, nproc=1, progress=False)
    assert Image.open(tmp_path / 'labels/00002.png').mode == 'P'
    assert Image.open(tmp_path / 'images/00002.png').size == SIZE
    converted = np.asarray(Image.open(tmp_path / 'labels/00002_labelTrainIds.png'))
    assert np.array_equal(converted, make_scene(8, SIZE).train_ids())


def test_synthia_layout_converts_to_the_drawn_classes(tmp_path: Path) -> None:
    write_synthia(tmp_path, 2, SIZE, first_seed=4)
    convert(str(tmp_path), SYNTHIA, nproc=1, progress=False)
    raw = cv2.imread(str(tmp_path / 'GT/LABELS/0000001.png'), cv2.IMREAD_UNCHANGED)
    scene = make_scene(5, SIZE)
    assert raw.dtype == np.uint16
    assert np.array_equal(raw[..., 1], scene.instances())
    converted = np.asarray(Image.open(tmp_path / 'GT/LABELS/0000001_labelTrainIds.png'))
    assert np.array_equal(converted, scene.train_ids())


def test_cityscapes_layout_converts_to_the_drawn_classes_up_to_outlines(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, {'train': 1, 'val': 1}, SIZE, first_seed=4)
    convert(str(tmp_path), CITYSCAPES, progress=False)
    assert (tmp_path / 'leftImg8bit/val/altdorf/altdorf_000000_000019_leftImg8bit.png').exists()
    label = tmp_path / 'gtFine/val/altdorf/altdorf_000000_000019_gtFine_labelTrainIds.png'
    drawn = make_scene(5, SIZE).train_ids()
    assert (np.asarray(Image.open(label)) != drawn).mean() < 0.03
    assert (tmp_path / 'test.txt').read_text() == ''


def test_finished_scenes_are_not_drawn_again(tmp_path: Path) -> None:
    write_gta(tmp_path, 3, SIZE)
    picture = tmp_path / 'images/00001.png'
    (tmp_path / 'images/00002.png').unlink()
    stamp = picture.stat().st_mtime_ns
    write_gta(tmp_path, 3, SIZE)
    assert picture.stat().st_mtime_ns == stamp
    assert (tmp_path / 'images/00002.png').exists()
    write_gta(tmp_path, 2, SIZE, first_seed=9)
    assert picture.stat().st_mtime_ns != stamp
    assert not (tmp_path / 'images/00003.png').exists()


def test_a_folder_with_other_pictures_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    Image.new('L', (4, 4)).save(tmp_path / 'images/mine.png')
    with pytest.raises(DataError, match=r'scenes\.json'):
        write_gta(tmp_path, 1, SIZE)


def test_too_small_pictures_and_unknown_styles(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='96x48'):
        write_gta(tmp_path, 1, (64, 32))
    with pytest.raises(ValueError, match='render, photo'):
        draw_scene(make_scene(0, SIZE), 'oil')
