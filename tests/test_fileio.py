"""Reading pictures and label maps, and writing without halves."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.errors import DataError
from mmseg.fileio import atomic_write, below, read_bytes, read_image, read_label, write_label_png


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_image_round_trip_is_bgr(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., ::-1]).save(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_image(tmp_path / 'a.png'), picture)


def test_grey_picture_becomes_three_channels(tmp_path: Path, picture: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), picture[..., 0])
    assert read_image(tmp_path / 'a.png').shape == (40, 60, 3)


@pytest.mark.parametrize('palette', [None, [[0, 0, 0], [9, 8, 7], [1, 2, 3]]])
def test_label_round_trip(tmp_path: Path, palette: list[list[int]] | None) -> None:
    label = np.random.default_rng(0).integers(0, 256, (7, 5)).astype(np.uint8)
    write_label_png(tmp_path / 'deep/folder/l.png', label, palette)
    np.testing.assert_array_equal(read_label(tmp_path / 'deep/folder/l.png'), label)
    with Image.open(tmp_path / 'deep/folder/l.png') as image:
        assert image.mode == ('L' if palette is None else 'P')
        if palette:
            assert image.getpalette()[3:6] == [9, 8, 7]


@pytest.mark.parametrize('name', ['a.png', 'a.jpg'])
@pytest.mark.parametrize('share', [0.05, 0.5, 0.9, 0.999])
def test_truncated_picture_is_refused(tmp_path: Path, picture: np.ndarray, name: str, share: float) -> None:
    path = tmp_path / name
    cv2.imwrite(str(path), picture)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=name):
        read_image(path)


def test_progressive_jpeg_cut_between_scans_is_refused(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / 'a.jpg'
    Image.fromarray(picture).save(path, progressive=True)
    assert read_image(path).shape == picture.shape
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b'\xff\xda') - 4])
    with pytest.raises(DataError):
        read_image(path)


def test_jpeg_with_trailing_bytes_is_read(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), picture)
    path.write_bytes(path.read_bytes() + b'\0' * 100)
    assert read_image(path).shape == picture.shape


@pytest.mark.parametrize('read', [read_image, read_label])
def test_flipped_byte_in_png_is_refused(tmp_path: Path, picture: np.ndarray, read) -> None:
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), picture[..., 0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match='check sum'):
        read(path)


@pytest.mark.parametrize('read', [read_image, read_label])
@pytest.mark.parametrize(
    ('content', 'message'), [(b'', 'empty'), (b'no picture', 'damaged'), (None, 'no such file')]
)
def test_unusable_file_is_named(tmp_path: Path, read, content: bytes | None, message: str) -> None:
    path = tmp_path / 'strange.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read(path)
    assert 'strange.png' in str(error.value)


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'x.png')
    for read in (read_bytes, read_image, read_label):
        with pytest.raises(DataError, match=r'x\.png: a pipe'):
            read(tmp_path / 'x.png')
    with pytest.raises(DataError, match='a pipe, device'):
        read_bytes('/dev/zero')


def test_folder_instead_of_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='cannot be read'):
        read_image(tmp_path)


@pytest.mark.parametrize('shape', [(4, 4), (4, 4, 3)])
def test_raw_label_of_16_bits_is_refused_with_the_remedy(tmp_path: Path, shape: tuple[int, ...]) -> None:
    cv2.imwrite(str(tmp_path / 'raw.png'), np.full(shape, 26001, np.uint16))
    with pytest.raises(DataError, match='convert'):
        read_label(tmp_path / 'raw.png')


@pytest.mark.parametrize('error', [OSError(28, 'No space left on device'), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / 'weights.pth'
    target.write_text('old')

    def fail() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text('half')
            raise error

    with pytest.raises(type(error)):
        fail()
    assert target.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [target]


def test_write_replaces_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / 'new/file.txt'
    with atomic_write(target) as temporary:
        temporary.write_text('new')
        assert not target.exists()
        assert temporary.suffix == '.txt'
    assert target.read_text() == 'new'
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    'options', [{}, {'progressive': True}, {'restart_marker_blocks': 2}, {'comment': b'\xff\xd9'}]
)
def test_every_kind_of_jpeg_is_read_and_no_cut_is_missed(
    tmp_path: Path, picture: np.ndarray, options: dict
) -> None:
    path = tmp_path / 'a.jpg'
    Image.fromarray(picture).save(path, **options)
    assert read_image(path).shape == picture.shape
    content = path.read_bytes()
    for end in range(2, len(content), 97):
        path.write_bytes(content[:end])
        with pytest.raises(DataError):
            read_image(path)


def test_garbage_in_a_jpeg_is_refused(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), picture)
    content = bytearray(path.read_bytes())
    content[-400:-395] = b'\xff\x10\xff\x11\xff'
    path.write_bytes(content)
    with pytest.raises(DataError, match='impossible bytes'):
        read_image(path)


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match='No space') as caught, atomic_write(tmp_path / 'a.png'):
        raise OSError(28, 'No space left on device')
    assert caught.value.filename == str(tmp_path / 'a.png')


@pytest.mark.parametrize('kind', [str, Path])
def test_a_place_that_takes_no_file_is_told_by_the_name_that_was_given(tmp_path: Path, kind: type) -> None:
    with pytest.raises(OSError, match='Read-only') as caught, atomic_write(tmp_path / 'a.png') as temporary:
        raise OSError(30, 'Read-only file system', kind(temporary))
    assert caught.value.filename == str(tmp_path / 'a.png')


@pytest.mark.parametrize('name', ['a.png', 'b/a.png', '..a', 'a..', 'bb:c/a.png', './a'])
def test_names_below_a_folder(tmp_path: Path, name: str) -> None:
    assert below(tmp_path, name, 'x').resolve().is_relative_to(tmp_path)


@pytest.mark.parametrize(
    'name', ['', '..', '/a', '../a', 'b/../../a', '\\a', 'b\\..\\a', 'c:a', 'C:/a', 'a\0b']
)
def test_names_that_lead_out_of_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match='list: .* leads out of the folder'):
        below(tmp_path, name, 'list')


def test_reading_makes_no_path_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each enters its parts into Python's table of interned strings, which millions of them make larger for good."""
    file = str(tmp_path / 'a.png')
    write_label_png(file, np.zeros((3, 4), np.uint8))
    monkeypatch.setattr('mmseg.fileio.Path', lambda *_: pytest.fail('a path object'))
    assert read_label(file).shape == (3, 4)
