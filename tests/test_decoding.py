"""What is read how: every kind of picture and label map gives the right values, or a sentence that says what it is."""

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import mmseg.decoding as decoding
from mmseg.decoding import decode_label, decode_picture, picture_size
from mmseg.errors import DataError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def stored(image: Any, format_name: str = 'PNG', **options: Any) -> bytes:
    """The bytes of a picture of Pillow, or of an array."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def stored_by_opencv(array: np.ndarray, ending: str) -> bytes:
    return cv2.imencode(ending, array)[1].tobytes()


def palette_picture() -> Image.Image:
    image = Image.fromarray(GREY % 4, 'P')
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    return image


def grey_png(values: np.ndarray, bits: int) -> bytes:
    """A grey PNG of fewer than 8 bits, which neither library writes."""
    per_byte = 8 // bits
    rows = b''
    for row in values:
        padded = np.concatenate([row, np.zeros(-len(row) % per_byte, row.dtype)]).reshape(-1, per_byte)
        shifts = np.arange(per_byte)[::-1] * bits
        rows += b'\0' + (padded << shifts).sum(1).astype(np.uint8).tobytes()
    header = struct.pack('>IIBBBBB', values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    chunks = [(b'IHDR', header), (b'IDAT', zlib.compress(rows)), (b'IEND', b'')]
    return decoding.PNG_SIGNATURE + b''.join(
        struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in chunks
    )


PICTURES: dict[str, tuple[bytes, np.ndarray]] = {
    'colour PNG': (stored(COLOUR), COLOUR),
    'grey PNG': (stored(GREY), GREY[..., None].repeat(3, 2)),
    'palette PNG': (stored(palette_picture()), np.asarray(palette_picture().convert('RGB'))),
    '1 bit': (stored(GREY > 99), (GREY > 99)[..., None].repeat(3, 2) * np.uint8(255)),
    'alpha': (stored(np.dstack([COLOUR, GREY])), COLOUR),
    'TIFF': (stored(COLOUR, 'TIFF'), COLOUR),
    'grey TIFF': (stored(GREY, 'TIFF'), GREY[..., None].repeat(3, 2)),
    'TIFF on its side': (stored(COLOUR, 'TIFF', tiffinfo={274: 6}), np.rot90(COLOUR, -1)),
    'grey 16-bit TIFF on its side': (
        stored(GREY.astype(np.uint16) * 256, 'TIFF', tiffinfo={274: 8}),
        np.rot90(GREY)[..., None].repeat(3, 2),
    ),
    'PNM of 16 bits': (stored_by_opencv(COLOUR[..., ::-1].astype(np.uint16) * 256, '.ppm'), COLOUR),
    'PNM': (stored(COLOUR, 'PPM'), COLOUR),
    'BMP': (stored(COLOUR, 'BMP'), COLOUR),
    'WebP': (stored(COLOUR, 'WEBP', lossless=True), COLOUR),
    '16 bit': (stored_by_opencv(COLOUR[..., ::-1].astype(np.uint16) * 256, '.png'), COLOUR),
    '16 bit TIFF': (stored_by_opencv(COLOUR[..., ::-1].astype(np.uint16) * 256, '.tif'), COLOUR),
    '12 of 16 bit': (stored_by_opencv(COLOUR[..., ::-1].astype(np.uint16) * 16, '.png'), COLOUR),
    '12 of 16 bit, grey': (
        stored_by_opencv(GREY.astype(np.uint16) * 16, '.tif'),
        GREY[..., None].repeat(3, 2),
    ),
}


@pytest.mark.parametrize('kind', PICTURES)
def test_pictures(kind: str) -> None:
    content, expected = PICTURES[kind]
    np.testing.assert_array_equal(decode_picture(content, 'a')[..., ::-1], expected)
    assert picture_size(content) == expected.shape[:2]


def test_deep_pictures_of_satellites() -> None:
    """JPEG 2000 of 12 bits, which was read as nearly black; its compression loses a little."""
    smooth = np.repeat(np.arange(64, dtype=np.uint8)[:, None] * 4, 64, 1)[..., None].repeat(3, 2)
    found = decode_picture(stored_by_opencv(smooth.astype(np.uint16) * 16, '.jp2'), 'a.jp2')
    assert np.abs(found.astype(int) - smooth).max() <= 2


def test_pictures_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = stored(np.full((6, 9, 3), 50, np.uint8), 'JPEG', exif=exif)
    assert decode_picture(content, 'a').shape == (9, 6, 3)
    assert picture_size(content) == (9, 6)


def test_depth_is_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, '_told', set())
    content, _ = PICTURES['12 of 16 bit']
    with caplog.at_level('WARNING', 'mmseg'):
        decode_picture(content, 'a.png')
        decode_picture(content, 'b.png')
    (record,) = caplog.records
    assert 'a.png: a 16-bit picture' in record.getMessage()
    assert '12 bits, divided by 16' in record.getMessage()


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        (stored_by_opencv((COLOUR / 255).astype(np.float32), '.tif'), 'floating point picture of 3 bands'),
        (b'II*\x00 and nothing', 'TIFF in a form'),
        (b'no picture', 'damaged file'),
        (stored_by_opencv((COLOUR / 255).astype(np.float32), '.hdr'), 'floating point picture of 3 bands'),
        (stored(GREY.astype(np.int32), 'TIFF'), '32-bit picture of 1 bands'),
        (b'\0\0\0\x18ftypheic', 'format HEIC, which OpenCV does not read'),
        (b'\0\0\0\x18ftypisom', 'found a video'),
        (b'%PDF-1.4', 'a PDF document'),
        (b'<!DOCTYPE html><html>', 'a web page'),
        (b'\xef\xbb\xbf\n<svg xmlns="x">', 'an SVG drawing'),
        (b'version https://git-lfs.github.com/spec/v1', 'git lfs pull'),
        (b'\0' * 128 + b'DICM', 'a DICOM file'),
        (b'\x93NUMPY\x01', 'a NumPy array'),
    ],
)
def test_other_pictures_say_what_they_are(content: bytes, text: str) -> None:
    with pytest.raises(DataError, match=text):
        decode_picture(content, 'a.tif')


IDS = GREY % 4
LABELS: dict[str, tuple[bytes, np.ndarray]] = {
    'grey': (stored(GREY), GREY),
    'palette': (stored(palette_picture()), IDS),
    'palette of 2 bits': (stored(palette_picture(), bits=2), IDS),
    '1 bit': (stored(GREY > 99), GREY > 99),
    '2 bits': (grey_png(IDS, 2), IDS),
    '4 bits': (grey_png(GREY % 16, 4), GREY % 16),
    '16 bits': (stored_by_opencv(GREY.astype(np.uint16), '.png'), GREY),
    '32 bits': (stored(Image.fromarray(GREY.astype(np.int32), 'I'), 'TIFF'), GREY),
    'TIFF': (stored(GREY, 'TIFF'), GREY),
}


@pytest.mark.parametrize('kind', LABELS)
def test_label_maps(kind: str) -> None:
    content, expected = LABELS[kind]
    label = decode_label(content, 'a')
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, expected)


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        (stored(COLOUR), 'found a colour picture'),
        (stored(np.dstack([COLOUR, GREY])), 'colour picture with transparency'),
        (stored(GREY, 'JPEG'), 'found a JPEG as label map'),
        (stored(GREY.astype(np.float32), 'TIFF'), 'floating point values'),
        (stored_by_opencv(GREY.astype(np.uint16) * 9, '.png'), 'values 0 to|values [0-9]+ to'),
        (b'no picture', 'damaged file'),
        (b'\x93NUMPY\x01', 'a NumPy array'),
        (stored(GREY.astype(np.int32) - 300, 'TIFF'), 'values -[0-9]+ to'),
    ],
)
def test_other_label_maps_say_what_they_are(content: bytes, text: str) -> None:
    with pytest.raises(DataError, match=text):
        decode_label(content, 'a.png')


@pytest.mark.parametrize(
    ('content', 'told'),
    [
        (stored(np.dstack([COLOUR, GREY]), 'TIFF'), False),
        (stored_by_opencv(np.dstack([COLOUR[..., ::-1], GREY]), '.tif'), True),
        (stored_by_opencv(np.dstack([COLOUR[..., ::-1], GREY]).astype(np.uint16) * 257, '.tif'), True),
    ],
    ids=['alpha', 'unmarked', 'unmarked, 16 bits'],
)
def test_a_fourth_band_is_left_out_and_said_unless_it_is_transparency(
    content: bytes, told: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red, green, blue and infrared are common in aerial pictures; OpenCV multiplies by a marked fourth band."""
    monkeypatch.setattr(decoding, '_told', set())
    with caplog.at_level('WARNING', 'mmseg'):
        np.testing.assert_array_equal(decode_picture(content, 'a.tif')[..., ::-1], COLOUR)
    assert ('four bands, of which none is marked as transparency' in caplog.text) == told


def test_print_colours_are_converted() -> None:
    content = stored(Image.fromarray(COLOUR).convert('CMYK'), 'TIFF')
    assert np.abs(decode_picture(content, 'a')[..., ::-1].astype(int) - COLOUR).max() <= 2


def test_opencv_says_nothing_besides(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match='TIFF in a form'):
        decode_picture(b'II*\x00 and nothing', 'a.tif')
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize('decode', [decode_picture, decode_label])
def test_further_pages_are_told(
    decode: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, '_told', set())
    pages = [Image.fromarray(GREY), Image.fromarray(GREY // 2)]
    content = stored(pages[0], 'TIFF', save_all=True, append_images=pages[1:])
    for _ in range(2):
        assert np.array_equal(decode(content, 'two.tif').reshape(6, 9, -1)[..., 0], GREY)
    assert [record.message for record in caplog.records if 'pages' in record.message] == [
        'two.tif has 2 pages, of which only the first is read, here and in files like it.'
    ]
    decode(stored(GREY, 'TIFF'), 'one.tif')
    assert len(caplog.records) == 1
