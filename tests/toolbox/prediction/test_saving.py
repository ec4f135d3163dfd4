"""Files of segmentations."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg.apis import ResultWriter, Segmentation
from mmseg.errors import UsageError
from mmseg.toolbox.prediction.saving import MARKS
from mmseg.toolbox.prediction.sources import Frame, Source

NAMES, COLOURS = ('road', 'sky'), [[128, 64, 128], [70, 130, 180]]


def segmentation(source: Source, index: int = 0, size: tuple[int, int] = (31, 151)) -> Segmentation:
    label_map = np.zeros(size, np.uint8)
    label_map[:, :10] = 1
    probabilities = np.stack([1.0 - label_map, label_map]).astype(np.float32)
    rate = 10.0 if source.is_video else None
    return Segmentation(
        Frame(source, np.full((*size, 3), 90, np.uint8), index, rate), label_map, probabilities
    )


def test_picture(tmp_path: Path) -> None:
    source = Source('street.1', tmp_path / 'street.1.jpg')
    result = segmentation(source)
    with ResultWriter(list(MARKS), NAMES, COLOURS, legend=False) as writer:
        paths = writer.add(result)
    assert [path.name for path in paths] == [
        'street.1_pred.jpg', 'street.1_colour.png', 'street.1_ids.png', 'street.1_probabilities.npz'
    ]  # fmt: skip
    blended = cv2.imread(str(paths[0]))
    assert blended.shape == (31, 151, 3)
    assert np.abs(blended[15, 100, ::-1] - (np.array(COLOURS[0]) + 90) / 2).max() < 4
    assert np.array_equal(cv2.imread(str(paths[1]))[..., ::-1], np.array(COLOURS, np.uint8)[result.label_map])
    assert np.array_equal(cv2.imread(str(paths[2]), cv2.IMREAD_UNCHANGED), result.label_map)
    with np.load(paths[3]) as stored:
        assert np.array_equal(stored['probabilities'], result.probabilities)
        assert stored['classes'].tolist() == list(NAMES)


def test_legend_is_below(tmp_path: Path) -> None:
    with ResultWriter(['overlay'], NAMES, COLOURS, tmp_path) as writer:
        (path,) = writer.add(segmentation(Source('a/x', Path('x.png'))))
    assert path == tmp_path / 'a/x_pred.png'
    assert cv2.imread(str(path)).shape[0] > 31


def test_video(tmp_path: Path) -> None:
    source = Source('drive', Path('drive.avi'))
    with ResultWriter(['overlay', 'ids'], NAMES, COLOURS, tmp_path) as writer:
        begun = [writer.add(segmentation(source, i)) for i in range(3)]
        assert not (tmp_path / 'drive_pred.mp4').exists()
        writer.add(segmentation(Source('next', Path('next.png'))))
        assert (tmp_path / 'drive_pred.mp4').is_file()
    assert begun == [[tmp_path / 'drive_pred.mp4', tmp_path / 'drive_ids'], [], []]
    film = cv2.VideoCapture(str(begun[0][0]))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert film.get(cv2.CAP_PROP_FPS) == 10
    assert film.get(cv2.CAP_PROP_FRAME_WIDTH) == 152
    assert sorted(path.name for path in begun[0][1].iterdir()) == ['000000.png', '000001.png', '000002.png']


def test_interrupted_video_leaves_no_film(tmp_path: Path) -> None:
    def interrupted() -> None:
        with ResultWriter(['colour'], NAMES, COLOURS, tmp_path) as writer:
            writer.add(segmentation(Source('drive', Path('drive.avi'))))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_unknown_kind() -> None:
    with pytest.raises(UsageError, match='Cannot write masks; expected any of overlay'):
        ResultWriter(['masks'], NAMES, COLOURS)
