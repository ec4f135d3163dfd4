"""What a test run keeps of each prediction: colour pictures, id PNGs, a list of class maps."""

import pickle
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.engine.evaluate import Prediction
from mmseg.errors import TrainingError
from mmseg.fileio import atomic_write, read_image
from mmseg.visualization import colourise, overlay
from mmseg.visualization.palette import Palette

LOSSY = {'.jpg': '.png', '.jpeg': '.png'}


class Output(Protocol):
    """Takes predictions one by one."""

    def add(self, prediction: Prediction) -> None:
        """Use one prediction."""

    def finish(self) -> None:
        """Called after the last one."""


class ColourPictures:
    """Writes class colours blended over the pictures, named like them (spec/tools.md 1).

    Pictures whose format loses colours (JPEG) get the ending .png.

    Args:
        folder: where to; the pictures' relative folders are kept.
        palette: RGB colours by class id.
        opacity: weight of the colours in (0, 1]; 1 writes pure colours.
    """

    def __init__(self, folder: Path, palette: Palette, opacity: float) -> None:
        self.folder = folder
        self.palette = palette
        self.opacity = opacity

    def add(self, prediction: Prediction) -> None:
        """Write one picture."""
        colours = colourise(prediction.label_map, self.palette)
        if self.opacity < 1:
            picture = read_image(prediction.meta['filename'])[..., ::-1]
            colours = overlay(picture, colours, self.opacity)
        write_picture(picture_path(self.folder, prediction), colours)

    def finish(self) -> None:
        """Nothing is left to do."""


class LabelPictures:
    """Writes palette PNGs of class ids (spec/data.md 3.5).

    Args:
        folder: where to.
        dataset: knows names, colours and official ids.
        to_label_id: write official label ids instead of train ids.
    """

    def __init__(self, folder: Path, dataset: Any, to_label_id: bool) -> None:
        self.folder = folder
        self.dataset = dataset
        self.to_label_id = to_label_id

    def add(self, prediction: Prediction) -> None:
        """Write one PNG."""
        self.dataset.format_result(prediction.label_map, prediction.meta, self.folder, self.to_label_id)

    def finish(self) -> None:
        """Nothing is left to do."""


class ResultFile:
    """Keeps all class maps (uint8 while collecting) and pickles them as a list of int64 arrays (H, W).

    Args:
        path: the file; ends in .pkl or .pickle.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._maps: list[NDArray[np.uint8]] = []

    def add(self, prediction: Prediction) -> None:
        """Keep one class map."""
        self._maps.append(prediction.label_map.astype(np.uint8))

    def finish(self) -> None:
        """Write the file."""
        with atomic_write(self.path) as temporary, temporary.open('wb') as file:
            pickle.dump([label_map.astype(np.int64) for label_map in self._maps], file)


class GreyPictures:
    """Writes class maps as they are, as grey levels: what :class:`mmseg.engine.scales.AttentionNetwork` predicts.

    Args:
        folder: where to; the pictures' relative folders are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, prediction: Prediction) -> None:
        """Write one picture."""
        write_picture(picture_path(self.folder, prediction), prediction.label_map.astype(np.uint8))

    def finish(self) -> None:
        """Nothing is left to do."""


def picture_path(folder: Path, prediction: Prediction) -> Path:
    """Where in ``folder`` the picture of a prediction belongs; formats that lose colours become PNG."""
    path = folder / str(prediction.meta['ori_filename'])
    return path.with_suffix(LOSSY.get(path.suffix.lower(), path.suffix))


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write an RGB picture uint8 (H, W, 3) or a grey one (H, W), atomically; the ending says the format.

    Raises:
        TrainingError: it cannot be encoded in that format.
    """
    stored = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])
    done, encoded = cv2.imencode(path.suffix, stored)
    if not done:
        raise TrainingError(f'{path}: cannot be written as {path.suffix}; expected .png or .jpg.')
    with atomic_write(path) as temporary:
        Path(temporary).write_bytes(encoded.tobytes())
