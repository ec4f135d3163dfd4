"""Pictures and values that a page carries in itself."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from mmseg.toolbox.reports.embedding import (
    SHADES,
    data_script,
    fitted,
    label_address,
    photo_address,
    shade_address,
)

PALETTE = [(128, 64, 128), (70, 130, 180)]


def decoded(address: str) -> Image.Image:
    head, _, content = address.partition(',')
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    assert head == f'data:image/{picture.format.lower()};base64'
    return picture


def test_colours_of_classes_are_exact_and_unknown_ids_are_black() -> None:
    picture = decoded(label_address(np.array([[0, 1, 255]]), PALETTE)).convert('RGB')
    assert np.asarray(picture).tolist() == [[[128, 64, 128], [70, 130, 180], [0, 0, 0]]]


def test_class_maps_are_small_files_and_shrink_without_new_colours() -> None:
    label = np.arange(2).repeat(1000)[None].repeat(900, 0)
    address = label_address(label, PALETTE, 200)
    picture = decoded(address)
    assert (picture.mode, picture.size, len(address) < 2000) == ('P', (200, 90), True)
    assert {tuple(colour) for colour in np.asarray(picture.convert('RGB')).reshape(-1, 3)} == {*PALETTE}


def test_photos_are_at_most_so_wide() -> None:
    photo = np.full((100, 1000, 3), 90, np.uint8)
    assert decoded(photo_address(photo, 300)).size == (300, 30)
    assert decoded(photo_address(photo[:, :50], 300)).size == (50, 100)
    assert fitted(photo[:1, :, 0], 10, 0).shape == (1, 10)


def test_shades_go_from_dark_to_light() -> None:
    picture = np.asarray(decoded(shade_address(np.array([[0.0, 0.5, 1.0, 7.0]]))).convert('RGB'))
    wanted = np.array([SHADES[0], SHADES[2], SHADES[-1], SHADES[-1]])
    assert np.abs(picture[0].astype(int) - wanted).max() <= 1


def test_values_cannot_end_their_script() -> None:
    values = {'a<b': ['</script>', 1.23456789, float('nan'), float('inf'), (1, None), 'x&y', True]}
    text = data_script(values)
    assert not set('<>&') & set(text)
    assert json.loads(text) == {'a<b': ['</script>', 1.2346, None, None, [1, None], 'x&y', True]}


@pytest.mark.parametrize('value', [0.0, -1e-9, 1e300, 123456.0])
def test_five_digits_are_kept(value: float) -> None:
    assert json.loads(data_script(value)) == pytest.approx(value, rel=1e-4)
