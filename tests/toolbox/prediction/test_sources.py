"""One stream of frames from files, folders, patterns, videos and arrays."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.errors import DataError
from mmseg.toolbox.prediction.sources import as_picture, find_sources, read_frames, read_picture


def write_video(path: Path, frames: int, size: tuple[int, int] = (32, 16)) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, size)
    for i in range(frames):
        writer.write(np.full((size[1], size[0], 3), 40 * i, np.uint8))
    writer.release()


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('pictures')
    (root / 'a').mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    for name in ('x.png', 'a/x.png', 'y.png', '.hidden.png'):
        cv2.imwrite(str(root / name), picture)
    (root / 'notes.txt').write_text('no picture')
    write_video(root / 'film.avi', 3)
    return root


def test_folder(folder: Path) -> None:
    sources = find_sources(folder)
    assert [source.name for source in sources] == ['a/x', 'film', 'x', 'y']
    assert not any(source.named for source in sources)
    frames = list(read_frames(sources))
    assert [(frame.source.name, frame.index) for frame in frames[:4]] == [
        ('a/x', 0), ('film', 0), ('film', 1), ('film', 2)
    ]  # fmt: skip
    assert frames[3].rate == 10
    assert frames[3].label.endswith('film.avi, frame 2')
    assert frames[3].picture.shape == (16, 32, 3)


def test_patterns_files_and_arrays(folder: Path) -> None:
    array = np.zeros((2, 2, 3), np.uint8)
    sources = find_sources([f'{folder}/**/*.png', folder / 'x.png', array])
    assert [source.name for source in sources] == ['x', 'x_2', 'y', 'x_3', 'array_4']
    assert [source.named for source in sources] == [False, False, False, True, True]
    assert next(iter(read_frames(sources[4:]))).picture is array


def test_nothing_is_read_ahead(tmp_path: Path) -> None:
    (tmp_path / 'b.png').write_bytes(b'broken')
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((2, 2, 3), np.uint8))
    frames = read_frames(find_sources(tmp_path))
    assert next(frames).source.name == 'a'
    with pytest.raises(DataError, match=r'b\.png: damaged'):
        next(frames)


@pytest.mark.parametrize('shape', [(3, 4), (3, 4, 1), (3, 4, 4)])
def test_grey_and_transparent_arrays(shape: tuple[int, ...]) -> None:
    picture = as_picture(np.full(shape, 7, np.uint8))
    assert np.array_equal(picture, np.full((3, 4, 3), 7, np.uint8))


@pytest.mark.parametrize(
    'array', [np.zeros((3, 4, 2), np.uint8), np.zeros((3, 4, 3)), np.zeros((0, 4), np.uint8)]
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(DataError, match='expected a picture'):
        find_sources(array)


@pytest.mark.parametrize('mode', ['L', 'LA', 'RGBA', 'P', 'I;16'])
def test_kinds_of_picture_files(mode: str, tmp_path: Path) -> None:
    made = Image.new('L', (6, 4), 200)
    made = Image.fromarray(np.full((4, 6), 200 * 257, np.uint16)) if mode == 'I;16' else made.convert(mode)
    made.save(tmp_path / 'p.png')
    frame = next(read_frames(find_sources(tmp_path / 'p.png')))
    assert frame.picture.shape == (4, 6, 3)
    assert frame.picture.dtype == np.uint8
    assert set(np.unique(frame.picture)) == {200}


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    Image.new('RGB', (60, 40)).save(tmp_path / 'turned.jpg', exif=exif)
    assert next(read_frames(find_sources(tmp_path / 'turned.jpg'))).picture.shape == (60, 40, 3)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('absent.png', 'no such file'),
        ('none*.png', 'fits this pattern'),
        ('empty', 'no picture and no video'),
    ],
)
def test_what_is_missing_is_named(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match=message) as caught:
        find_sources(str(tmp_path / name))
    assert name in str(caught.value)


@pytest.mark.parametrize('content', [b'', b'no video at all'])
def test_broken_video_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / 'v.mp4').write_bytes(content)
    with pytest.raises(DataError, match=r'v\.mp4: no picture can be read'):
        list(read_frames(find_sources(tmp_path / 'v.mp4')))


@pytest.mark.parametrize('mode', ['RGB', 'L', 'P', 'RGBA', '1', 'CMYK'])
def test_pictures_of_pillow(mode: str) -> None:
    image = Image.fromarray(np.full((3, 4, 3), (250, 0, 0), np.uint8)).convert(mode)
    picture = as_picture(image)
    assert np.array_equal(picture[..., ::-1], np.asarray(image.convert('RGB')))
    assert find_sources([image])[0].array is not None


def test_pictures_of_pillow_are_turned_upright() -> None:
    image = Image.fromarray(np.zeros((3, 4, 3), np.uint8))
    image.getexif()[0x0112] = 6
    assert as_picture(image).shape == (4, 3, 3)


@pytest.mark.parametrize('mode', ['F', 'I', 'I;16'])
def test_deep_pictures_of_pillow_are_refused_as_arrays_are(mode: str) -> None:
    with pytest.raises(DataError, match='expected a picture'):
        as_picture(Image.new(mode, (4, 3)))


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='found a folder; expected one picture'):
        read_picture(tmp_path)


@pytest.mark.parametrize('nothing', ['', ' ', b'', None, 5], ids=repr)
def test_one_picture_and_several_refuse_the_same(nothing: Any) -> None:
    for read in (read_picture, find_sources):
        with pytest.raises(DataError, match='in place of a picture'):
            read(nothing)
