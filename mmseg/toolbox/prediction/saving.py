"""Writing segmentations: overlays, colours, ids and probabilities of pictures and videos."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.errors import DataError, UsageError
from mmseg.fileio import atomic_write, write_label_png
from mmseg.toolbox.prediction.drawing import draw
from mmseg.toolbox.prediction.inferencer import Segmentation
from mmseg.toolbox.prediction.sources import PICTURES, Source
from mmseg.toolbox.testing.outputs import write_picture
from mmseg.visualization.palette import Palette, colourise

MARKS = {'overlay': '_pred', 'colour': '_colour', 'ids': '_ids', 'probabilities': '_probabilities'}
"""Kind of result -> what its files' names have behind the picture's name."""
FILM = ('overlay', 'colour')
CODEC = 'mp4v'


class ResultWriter:
    """Writes segmentations of a stream; a context, at whose end the last video is complete.

    A picture ``NAME.jpg`` gives ``NAME_pred.jpg`` (class colours over the picture), ``NAME_colour.png`` (pure colours),
    ``NAME_ids.png`` (grey levels are class ids) and ``NAME_probabilities.npz`` ('probabilities', float16 (C, H, W), and
    'classes', their names). A video gives films ``NAME_pred.mp4`` and ``NAME_colour.mp4``, and folders ``NAME_ids`` and
    ``NAME_probabilities`` with a file for each frame. An interrupted video leaves no film behind.

    Args:
        kinds: what to write, of 'overlay', 'colour', 'ids', 'probabilities'.
        names: class names.
        palette: RGB colours by class id.
        folder: where to; None: beside the pictures (for arrays: the current folder).
        opacity: weight of the colours in overlays, in (0, 1].
        legend: put names and colours below overlays; in pictures of the classes that occur, in films of all.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        names: Sequence[str],
        palette: Palette,
        folder: Path | None = None,
        opacity: float = 0.5,
        legend: bool = True,
    ) -> None:
        if unknown := [kind for kind in kinds if kind not in MARKS]:
            raise UsageError(f'Cannot write {", ".join(unknown)}; expected any of {", ".join(MARKS)}.')
        self.kinds = kinds
        self.names = names
        self.palette = palette
        self.folder = folder
        self.opacity = opacity
        self.legend = legend
        self._video: Source | None = None
        self._open = ExitStack()
        self._films: dict[str, Callable[[NDArray[np.uint8]], bool]] = {}

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def add(self, result: Segmentation) -> list[Path]:
        """Write one picture or frame.

        Returns:
            What was begun with it: its files; of a video, at its first frame, the films and folders.
        """
        source = result.frame.source
        begun = source is not self._video
        if begun:
            self._open.close()
            self._films.clear()
            self._video = source if source.is_video else None
        paths = [self.path(source, kind) for kind in self.kinds]
        for kind, path in zip(self.kinds, paths, strict=True):
            self._write(kind, path, result)
        return paths if begun else []

    def path(self, source: Source, kind: str) -> Path:
        """Where a result is written: a file, or the folder for frames of a video."""
        if self.folder is None:
            name = source.path.with_name(Path(source.name).name) if source.path else Path(source.name)
        else:
            name = self.folder / source.name
        return name.with_name(name.name + MARKS[kind] + _ending(source, kind))

    def _write(self, kind: str, path: Path, result: Segmentation) -> None:
        is_video = result.frame.source.is_video
        if kind in FILM:
            drawn = self._draw(kind, result)
            self._film(kind, path, drawn, result) if is_video else write_picture(path, drawn)
            return
        file = path / f'{result.frame.index:06}{_frame_ending(kind)}' if is_video else path
        if kind == 'ids':
            write_label_png(file, result.label_map)
            return
        if result.probabilities is None:
            raise UsageError('There are no probabilities to write; ask the Inferencer for them.')
        with atomic_write(file) as temporary:
            values = result.probabilities.astype(np.float16)
            np.savez_compressed(temporary, probabilities=values, classes=np.array(self.names))

    def _draw(self, kind: str, result: Segmentation) -> NDArray[np.uint8]:
        """The RGB picture of a kind of result."""
        if kind == 'colour':
            return colourise(result.label_map, self.palette)
        all_of_a_film = self.legend and result.frame.source.is_video
        legend = range(len(self.names)) if all_of_a_film else self.legend
        return draw(result.frame.picture, result.label_map, self.names, self.palette, self.opacity, legend)

    def _film(self, kind: str, path: Path, drawn: NDArray[np.uint8], result: Segmentation) -> None:
        # The codec knows even sizes only and would cut the others.
        drawn = np.pad(drawn, ((0, drawn.shape[0] % 2), (0, drawn.shape[1] % 2), (0, 0)), mode='edge')
        if kind not in self._films:
            size = (drawn.shape[1], drawn.shape[0])
            self._films[kind] = self._open.enter_context(film(path, result.frame.rate or 1, size))
        self._films[kind](drawn)


@contextmanager
def film(path: Path, rate: float, size: tuple[int, int]) -> Iterator[Callable[[NDArray[np.uint8]], bool]]:
    """A function that adds an RGB picture to an MPEG-4 video, which appears when the context ends without an error.

    Args:
        path: ends in .mp4.
        rate: frames per second.
        size: (width, height) of the pictures.

    Raises:
        DataError: no video can be written there.
    """
    with atomic_write(path) as temporary:
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*CODEC), rate, size)
        try:
            if not writer.isOpened():
                raise DataError(
                    f'{path}: no video of {size[0]} x {size[1]} pixels can be written here; check the folder, or write '
                    'ids, which are single files.'
                )
            yield lambda picture: bool(writer.write(np.ascontiguousarray(picture[..., ::-1])))
        finally:
            writer.release()


def _ending(source: Source, kind: str) -> str:
    """Of the file's name; none for a folder of frames."""
    if source.is_video:
        return '.mp4' if kind in FILM else ''
    own = source.path.suffix if source.path is not None else ''
    return own if kind == 'overlay' and own.lower() in PICTURES else _frame_ending(kind)


def _frame_ending(kind: str) -> str:
    return '.npz' if kind == 'probabilities' else '.png'
