"""What a test run keeps of each prediction: colour pictures, PNGs of ids with their zip file, a list of class maps."""

import os
import pickle
import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.files import unique_names
from mmseg.engine.evaluate import PredictedPicture
from mmseg.errors import TrainingError, UsageError
from mmseg.fileio import atomic_write, below, read_image, require_closed
from mmseg.toolbox.testing.prediction_files import write_prediction
from mmseg.visualization.palette import Palette, colourise, overlay

LOSSY = {'.jpg': '.png', '.jpeg': '.png'}


class Output(ABC):
    """Takes predictions one by one."""

    threaded: ClassVar[bool] = True
    """Whether :meth:`add` may run in several threads at once, in any order: each prediction has files of its own."""

    @abstractmethod
    def add(self, prediction: PredictedPicture) -> None:
        """Use one prediction."""

    def collect(self, count: int) -> None:  # noqa: B027  # most outputs are complete already
        """Put together what the processes left; called in the first one when all ``count`` pictures are done."""

    def close(self) -> None:  # noqa: B027  # most outputs leave nothing
        """Called in the first process at the end, also after an error."""


class ColourPictures(Output):
    """Writes class colours blended over the pictures, named like them (docs/methods/tools.md#test-program).

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

    def add(self, prediction: PredictedPicture) -> None:
        """Write one picture."""
        colours = colourise(prediction.label_map, self.palette)
        if self.opacity < 1:
            picture = read_image(prediction.meta['filename'])[..., ::-1]
            colours = overlay(picture, colours, self.opacity)
        write_picture(picture_path(self.folder, prediction), colours)


class LabelPictures(Output):
    """Writes palette PNGs of class ids (docs/methods/datasets.md#prediction-files).

    Names are those of the pictures, as docs/methods/datasets.md#prediction-files has it; where these are not unique,
    with their folders.

    Args:
        folder: where to.
        dataset: knows names and colours.
        to_label_id: write official Cityscapes ids instead of class ids.
        archive: zip file of the PNGs to write in the end, for an evaluation server; None writes none.
    """

    def __init__(self, folder: Path, dataset: Any, to_label_id: bool, archive: Path | None = None) -> None:
        self.folder = folder
        self.dataset = dataset
        self.to_label_id = to_label_id
        self.archive = archive
        self.names = label_names_of(dataset)

    def add(self, prediction: PredictedPicture) -> None:
        """Write one PNG."""
        path = self.folder / self.names[prediction.index]
        write_prediction(prediction.label_map, path, self.to_label_id, self.dataset.PALETTE)

    def collect(self, count: int) -> None:
        """Pack the PNGs of this data set (and no others that the folder may hold)."""
        if self.archive is None:
            return
        with atomic_write(self.archive) as temporary, zipfile.ZipFile(temporary, 'w') as archive:
            for name in dict.fromkeys(self.names[:count]):  # stored as they are: PNGs do not get smaller
                archive.write(self.folder / name, name)


class ResultFile(Output):
    """Pickles the class maps as a list of int64 arrays (H, W), in the order of the data set.

    Until the last one they lie beside the file, one by one, so that memory does not grow with their number and
    several processes can contribute.

    Args:
        path: the file; ends in .pkl or .pickle.
        folder: where the parts lie, the same place for all processes; beside the file if None.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self.path = path
        self.parts = (folder or path.parent) / f'.{path.name}.parts'

    def add(self, prediction: PredictedPicture) -> None:
        """Keep one class map on the disk."""
        with atomic_write(self._part(prediction.index)) as temporary:
            np.save(temporary, prediction.label_map.astype(np.uint8))

    def collect(self, count: int) -> None:
        """Write the file.

        Each array is pickled for itself and its bytes put into the list: a pickle is a program, ``]`` makes the list,
        ``a`` appends, ``.`` ends. Protocol 3, since later ones count the bytes of frames.
        """
        with atomic_write(self.path) as temporary, temporary.open('wb') as file:
            file.write(b'\x80\x03]')
            for index in range(count):
                label_map = np.load(self._part(index)).astype(np.int64)
                file.write(pickle.dumps(label_map, protocol=3)[2:-1] + b'a')
            file.write(b'.')

    def close(self) -> None:
        """Remove the parts."""
        shutil.rmtree(self.parts, ignore_errors=True)

    def _part(self, index: int) -> Path:
        return self.parts / f'{index}.npy'


class GreyPictures(Output):
    """Writes class maps as they are, as grey levels (:class:`mmseg.toolbox.testing.attention.AttentionNetwork`).

    Args:
        folder: where to; the pictures' relative folders are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, prediction: PredictedPicture) -> None:
        """Write one picture."""
        write_picture(picture_path(self.folder, prediction), prediction.label_map.astype(np.uint8))


def picture_path(folder: Path, prediction: PredictedPicture) -> Path:
    """Where in ``folder`` the picture of a prediction belongs; formats that lose colours become PNG."""
    return _picture_path(folder, str(prediction.meta['ori_filename']))


def _picture_path(folder: Path, name: str) -> Path:
    path = below(folder, name, 'The data set')
    return path.with_suffix(LOSSY.get(path.suffix.lower(), path.suffix))


def label_names_of(dataset: Any) -> list[str]:
    """Names of the PNGs of ids of a data set's pictures, each with one of its own."""
    return unique_names([Path(info['filename']).with_suffix('.png').as_posix() for info in dataset.img_infos])


def check_places(picture_dirs: Iterable[Path | None], label_dir: Path | None, dataset: Any) -> None:
    """Make sure that results overwrite neither what is read, nor one another, nor anything through a link.

    Args:
        picture_dirs: folders of results that are named like the pictures; None for those that are not asked for.
        label_dir: folder of PNGs of ids, or None.
        dataset: what is predicted.

    Raises:
        UsageError: naming the first file that would be lost, or a link that leads out of a folder.
    """
    picture_dirs = list(picture_dirs)
    for place in filter(None, (*picture_dirs, label_dir)):
        require_closed(place)
    read = {
        os.path.join(os.path.realpath(folder), name)
        for part in dataset.parts()
        for info in part.img_infos
        for folder, name in ((part.img_dir, info['filename']), (part.ann_dir, info['ann'].get('seg_map')))
        if folder and name
    }
    names = [str(info['filename']) for info in dataset.img_infos]
    written = [{_picture_path(Path(os.path.realpath(d)), name) for name in names} for d in picture_dirs if d]
    if label_dir is not None:
        written.append({Path(os.path.realpath(label_dir), name) for name in label_names_of(dataset)})
    for number, paths in enumerate(written):
        if lost := sorted(str(path) for path in paths if str(path) in read):
            raise UsageError(
                f'{lost[0]}: is read as picture or label map and would be overwritten. Name another folder.'
            )
        if twice := sorted(str(path) for other in written[:number] for path in paths & other):
            raise UsageError(
                f'{twice[0]}: would be written twice. Give each kind of result a folder of its own.'
            )


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
