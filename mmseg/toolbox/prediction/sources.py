"""What is to be segmented: pictures, folders, patterns, videos and arrays as one stream of frames."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mmseg.datasets.files import walk_files
from mmseg.errors import DataError
from mmseg.fileio import read_image

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff', '.ppm')
VIDEOS = ('.mp4', '.m4v', '.avi', '.mov', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv')
WILDCARDS = '*?['
STANDARD_RATE = 25.0
"""Frames per second of a video that does not say."""

Input: TypeAlias = str | Path | NDArray[np.uint8] | Image.Image


@dataclass(frozen=True)
class Source:
    """A picture, a video or an array.

    Attributes:
        name: its name for results, without ending; below a folder that was named, with the way to it.
        path: the file; None for an array.
        array: the picture, if it is no file.
        named: the file itself was named, not a folder or a pattern it belongs to.
    """

    name: str
    path: Path | None = None
    array: NDArray[np.uint8] | None = field(default=None, repr=False)
    named: bool = True

    @property
    def is_video(self) -> bool:
        """Judged by the ending."""
        return self.path is not None and self.path.suffix.lower() in VIDEOS


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes:
        source: where it comes from.
        picture: uint8 (H, W, 3), BGR, upright.
        index: its number in a video; 0 in pictures.
        rate: frames per second of the video, else None.
    """

    source: Source
    picture: NDArray[np.uint8] = field(repr=False)
    index: int = 0
    rate: float | None = None

    @property
    def label(self) -> str:
        """What messages call it."""
        name = self.source.name if self.source.path is None else str(self.source.path)
        return name if self.rate is None else f'{name}, frame {self.index}'


def find_sources(inputs: Input | Iterable[Input]) -> list[Source]:
    """Everything that the inputs mean, in their order, each with a name of its own.

    Args:
        inputs: one or several of: file of a picture or video; folder, searched for both in all its folders; pattern
                with ``*``, ``?``, ``[...]`` or ``**``; picture of Pillow, or array as :func:`as_picture` takes it.

    Raises:
        DataError: a file, or anything in a folder or pattern, is missing; an array is no picture.
    """
    several: list[Any] = [inputs]
    if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes | np.ndarray | Image.Image):
        several = list(inputs)
    sources: list[Source] = []
    for item in several:
        if isinstance(item, np.ndarray | Image.Image):
            sources.append(Source(f'array_{len(sources)}', array=as_picture(item)))
        elif not isinstance(item, str | Path) or not str(item).strip():
            raise _no_input(item)
        elif Path(item).is_dir():
            sources += _in_folder(Path(item))
        elif not Path(item).exists() and any(sign in str(item) for sign in WILDCARDS):
            sources += _matching(str(item))
        else:
            sources.append(_file(Path(item)))
    return _with_own_names(sources)


def read_picture(image: Input) -> NDArray[np.uint8]:
    """The picture of a file, of Pillow or of an array, BGR uint8 (H, W, 3); raises DataError for anything else."""
    if isinstance(image, str | Path) and str(image).strip():
        if Path(image).is_dir():
            raise DataError(f'{image}: found a folder; expected one picture. Give folders to an Inferencer.')
        return read_image(_file(Path(image)).path or image)
    if not isinstance(image, np.ndarray | Image.Image):
        raise _no_input(image)
    return as_picture(image)


def _no_input(item: object) -> DataError:
    """The error for what stands for no picture."""
    advice = {
        'list': ' Give the pictures of a list one by one, or the list to an Inferencer.',
        'Tensor': ' Convert a tensor first: tensor.cpu().numpy(), uint8, (height, width, 3).',
        'bytes': ' Open encoded pictures first: PIL.Image.open(io.BytesIO(content)).',
    }.get(type(item).__name__, '')
    found = (
        repr(item)
        if isinstance(item, str | int | float | None)
        else f'an object of type {type(item).__name__}'
    )
    return DataError(
        f'Found {found} in place of a picture; expected a path, a picture of Pillow, or '
        f'a NumPy array uint8 in BGR order.{advice}'
    )


def as_picture(array: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
    """A grey, BGR or BGRA array, or a picture of Pillow, as BGR uint8 (H, W, 3).

    Pictures of Pillow are turned upright as their EXIF data say, as files are.

    Raises:
        DataError: another shape or type; arrays of 16 bits or floating point do not say what their white is.
    """
    if isinstance(array, Image.Image):
        if array.mode in ('1', 'P', 'PA', 'LA', 'CMYK', 'YCbCr', 'RGBA', 'L', 'RGB'):
            array = ImageOps.exif_transpose(array).convert('RGB')
            return np.ascontiguousarray(np.asarray(array)[..., ::-1])
        array = np.asarray(array)
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise DataError(
            f'Found an array of shape {array.shape} and type {array.dtype}; expected a picture: uint8 (height, width), '
            '(height, width, 3) in BGR order, or (height, width, 4). Convert it first.'
        )
    if channels == 3:
        return array
    return cv2.cvtColor(array, cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR).astype(np.uint8)


def read_frames(sources: Sequence[Source]) -> Iterator[Frame]:
    """The pictures one by one: nothing is read before it is asked for.

    Pictures are turned upright as their EXIF data say.

    Raises:
        DataError: a file cannot be read; it is named.
    """
    for source in sources:
        if source.array is not None:
            yield Frame(source, source.array)
        elif source.is_video:
            yield from _video_frames(source)
        else:
            assert source.path is not None
            yield Frame(source, read_image(source.path))


def _video_frames(source: Source) -> Iterator[Frame]:
    with _opened(source.path) as video:
        rate = video.get(cv2.CAP_PROP_FPS)
        rate = rate if 0 < rate < 1000 else STANDARD_RATE
        index = 0
        while True:
            there, picture = video.read()
            if not there:
                break
            yield Frame(source, picture, index, rate)
            index += 1
    if index == 0:
        raise DataError(_not_a_video(source.path))


@contextmanager
def _opened(path: Path | None) -> Iterator[cv2.VideoCapture]:
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise DataError(_not_a_video(path))
        yield video
    finally:
        video.release()


def _not_a_video(path: Path | None) -> str:
    return (
        f'{path}: no picture can be read from this video. Expected a complete file in a format that FFmpeg knows; '
        'copy it again, or convert it to .mp4.'
    )


def _in_folder(folder: Path) -> list[Source]:
    files = [path for path in sorted(map(Path, walk_files(str(folder)))) if _fits(path) and path.is_file()]
    if not files:
        endings = ' '.join(PICTURES + VIDEOS)
        raise DataError(
            f'{folder}: no picture and no video in this folder; expected files ending in {endings}.'
        )
    return [Source(path.relative_to(folder).with_suffix('').as_posix(), path, named=False) for path in files]


def _matching(pattern: str) -> list[Source]:
    files = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    files = [path for path in files if path.is_file() and _fits(Path(path.name))]
    if not files:
        raise DataError(
            f'{pattern}: no picture and no video fits this pattern; check it, or name the folder.'
        )
    return [Source(path.stem, path, named=False) for path in files]


def _file(path: Path) -> Source:
    if not path.is_file():
        raise DataError(
            f'{path}: no such file. Expected a picture, a video, a folder or a pattern such as "*.jpg".'
        )
    return Source(path.stem, path)


def _fits(path: Path) -> bool:
    return not path.name.startswith('.') and path.suffix.lower() in PICTURES + VIDEOS


def _with_own_names(sources: Sequence[Source]) -> list[Source]:
    """The sources with names that differ: later ones of a name get a number."""
    taken: set[str] = set()
    named = []
    for source in sources:
        name, number = source.name, 2
        while name in taken:
            name, number = f'{source.name}_{number}', number + 1
        taken.add(name)
        named.append(replace(source, name=name))
    return named
