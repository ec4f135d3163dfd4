"""Segment many pictures and videos with one network: a stream in, a stream out."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mmseg.errors import UserError
from mmseg.toolbox.prediction.drawing import draw
from mmseg.toolbox.prediction.inference import Prepared, class_probabilities, picture_pipeline, prepare
from mmseg.toolbox.prediction.sources import Frame, Input, find_sources, read_frames
from mmseg.toolbox.testing.outputs import write_picture
from mmseg.visualization.palette import Palette

LOOK_AHEAD = 4
"""So many batches are read at a time, to find pictures of equal size among them."""


@dataclass(frozen=True)
class Segmentation:
    """What a network sees in one picture.

    Attributes:
        frame: the picture, and where it comes from.
        label_map: class ids, uint8 (H, W), at the size of the picture.
        probabilities: of the classes, float32 (C, H, W), each pixel's sum is 1; None unless asked for.
        names: of the classes.
        palette: RGB colours by class id.
    """

    frame: Frame
    label_map: NDArray[np.uint8] = field(repr=False)
    probabilities: NDArray[np.float32] | None = field(default=None, repr=False)
    names: Sequence[str] = field(default=(), repr=False)
    palette: Palette = field(default=(), repr=False)

    def picture(self, opacity: float = 0.5, legend: bool = True) -> Image.Image:
        """Class colours over the picture, with the names of the classes that occur below it."""
        drawn = draw(self.frame.picture, self.label_map, self.names, self.palette, opacity, legend)
        return Image.fromarray(drawn)

    def save(self, path: str | Path, opacity: float = 0.5, legend: bool = True) -> Path:
        """Write :meth:`picture`; the ending says the format. Returns the path."""
        write_picture(Path(path), np.asarray(self.picture(opacity, legend)))
        return Path(path)

    def show(self, opacity: float = 0.5, legend: bool = True) -> None:
        """Show :meth:`picture`: in a notebook below the cell, else in the viewer of the desktop."""
        if 'ipykernel' in sys.modules:
            from IPython.display import display

            display(self.picture(opacity, legend))
        else:
            self.picture(opacity, legend).show()


class Inferencer:
    """Segments files, folders, patterns, videos and arrays of any resolution.

    Pictures are read, predicted and handed out bit by bit, in order; memory does not grow with their number or with the
    length of a video. Those that the test pipeline brings to the same size pass the network together.

    Args:
        model: from :func:`mmseg.apis.init_model`.
        batch_size: at most so many pictures in one forward pass.
        probabilities: also give the probability of each class; needs ``4 * C`` bytes a pixel.
    """

    def __init__(self, model: Any, batch_size: int = 4, probabilities: bool = False) -> None:
        self.model = model
        self.batch_size = max(batch_size, 1)
        self.probabilities = probabilities
        self.pipeline = picture_pipeline(model.cfg)

    def __call__(self, inputs: Input | Iterable[Input]) -> Iterator[Segmentation]:
        """Segment everything that the inputs mean, see :func:`mmseg.toolbox.prediction.sources.find_sources`.

        Raises:
            UserError: a file is missing or cannot be read or predicted; it is named.
        """
        return self.stream(read_frames(find_sources(inputs)))

    def stream(self, frames: Iterator[Frame]) -> Iterator[Segmentation]:
        """Segment pictures as they come.

        Raises:
            UserError: a picture cannot be read or predicted; it is named.
        """
        # Probabilities are large: no more of them than of one batch are kept.
        ahead = self.batch_size * (1 if self.probabilities else LOOK_AHEAD)
        while several := list(islice(frames, ahead)):
            prepared = [prepare(self.pipeline, frame.picture, frame.label) for frame in several]
            found: dict[int, Segmentation] = {}
            for batch in batches([one.sizes for one in prepared], self.batch_size):
                results = self._predict([several[i] for i in batch], [prepared[i] for i in batch])
                found.update(zip(batch, results, strict=True))
            yield from (found.pop(i) for i in range(len(several)))

    def _predict(self, frames: Sequence[Frame], batch: Sequence[Prepared]) -> list[Segmentation]:
        """Results of pictures of equal size."""
        try:
            return [
                Segmentation(frame, *self._arrays(values), self.model.CLASSES, self.model.PALETTE)
                for frame, values in zip(frames, class_probabilities(self.model, batch), strict=True)
            ]
        except UserError as error:
            names = ', '.join(frame.label for frame in frames)
            raise type(error)(f'{names}: {error}') from error

    def _arrays(self, values: torch.Tensor) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """Class ids and, if asked for, probabilities of (C, H, W)."""
        label_map = values.argmax(0).to(torch.uint8).cpu().numpy()
        return label_map, values.cpu().numpy() if self.probabilities else None


def segment(model: Any, image: Input) -> Segmentation:
    """Segment one picture; the result can be shown and saved.

    Args:
        model: from :func:`mmseg.apis.init_model`.
        image: file, picture of Pillow, or array uint8: grey (H, W), BGR (H, W, 3) or BGRA (H, W, 4).

    Raises:
        DataError: the file is missing or damaged, or the array is no picture.
    """
    return next(Inferencer(model, batch_size=1)([image]))


def batches(sizes: Sequence[Any], most: int) -> list[list[int]]:
    """Indices of equal ``sizes`` together, up to ``most`` in each batch, each batch in ascending order."""
    groups: dict[Any, list[int]] = {}
    for i, size in enumerate(sizes):
        groups.setdefault(size, []).append(i)
    return [group[k : k + most] for group in groups.values() for k in range(0, len(group), most)]
