"""Confusion matrices from results and class maps."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from mmseg.datasets.classes import ClassMerge
from mmseg.errors import CheckpointError, DataError, UsageError
from mmseg.toolbox.reports import RunResult, save_result
from mmseg.toolbox.testing import confusion
from mmseg.toolbox.testing.confusion import count_maps, find_confusion

LABELS = [np.array([[0, 1], [2, 255]], np.uint8), np.array([[1, 1]], np.uint8)]
MAPS = [np.array([[0, 2], [2, 0]]), np.array([[1, 0]])]
COUNTS = [[1, 0, 0], [1, 1, 1], [0, 0, 1]]


class Labelled:
    """Two label maps of three classes."""

    CLASSES = ('road', 'car', 'truck')
    ignore_index = 255
    class_merge = None
    img_infos = ({'filename': 'a.png'}, {'filename': 'b.png'})

    def __len__(self):
        return len(LABELS)

    def get_gt_seg_map(self, index):
        return LABELS[index]


@pytest.fixture
def cfg(monkeypatch):
    monkeypatch.setattr(confusion, 'build_dataset', lambda cfg, **options: Labelled())
    return {'data': {'test': {'type': 'x'}}}


def test_class_maps_are_counted(tmp_path, cfg, monkeypatch):
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(MAPS))
    found = find_confusion(cfg, tmp_path / 'x.pkl')
    assert found.matrix.tolist() == COUNTS
    assert (found.names, found.title) == (Labelled.CLASSES, 'x')
    monkeypatch.setattr(Labelled, 'class_merge', ClassMerge({2: 1}, (0, 1), ('road', 'vehicle')))
    found = find_confusion(cfg, tmp_path / 'x.pkl')
    assert found.matrix.tolist() == [[1, 0], [1, 3]]
    assert found.names == ('road', 'vehicle')


def test_results_hold_their_matrix(tmp_path):
    path = tmp_path / 'result_teacher.json'
    save_result(
        path, RunResult('run', {'road': 1.0, 'sky': 2.0}, np.eye(2, dtype=np.int64), network='teacher')
    )
    found = find_confusion({}, path)
    assert (found.matrix.tolist(), found.names, found.title) == (
        [[1, 0], [0, 1]],
        ['road', 'sky'],
        'run (teacher)',
    )
    save_result(path, RunResult('run', {'road': 1.0}))
    with pytest.raises(DataError, match='no confusion matrix'):
        find_confusion({}, path)


def test_checkpoints_are_tested(tmp_path, cfg, monkeypatch):
    report = SimpleNamespace(confusion=np.eye(2), class_names=('road', 'sky'))
    seen = []
    monkeypatch.setattr(confusion, 'test', lambda *args: seen.append(args) or report)
    found = find_confusion(cfg, tmp_path / 'run/latest.pth', 'teacher')
    assert (found.names, found.title) == (('road', 'sky'), 'run (teacher)')
    assert seen[0][2].network == 'teacher'


@pytest.mark.parametrize(
    ('maps', 'words'),
    [
        ({'a': 1}, 'expected the list of class maps'),
        (MAPS[:1], '1 class maps, but data.test has 2 pictures'),
        (MAPS[::-1], r'class map 0 does not belong to a.png'),
        ([MAPS[0], MAPS[1] + 7], r'class map 1 does not belong to b.png \(ids outside'),
    ],
)
def test_other_results_are_refused(tmp_path, maps, words):
    with pytest.raises(DataError, match=words):
        count_maps(maps, Labelled(), tmp_path / 'x.pkl')


def test_damaged_results_are_refused(tmp_path, cfg):
    (tmp_path / 'x.pkl').write_bytes(b'')
    with pytest.raises(CheckpointError):
        find_confusion(cfg, tmp_path / 'x.pkl')


def test_a_band_counts_pixels_by_their_distance_to_another_class(tmp_path, cfg):
    labels = np.zeros((4, 12), np.uint8)
    labels[:, 6:] = 1
    maps = [np.ones((4, 12), int)]

    class Halves(Labelled):
        def __len__(self):
            return 1

        def get_gt_seg_map(self, index):
            return labels

    near, far = (count_maps(maps, Halves(), tmp_path, band) for band in ((0, 3), (3, np.inf)))
    assert near.tolist() == [[0, 8, 0], [0, 8, 0], [0, 0, 0]]
    assert far.tolist() == [[0, 16, 0], [0, 16, 0], [0, 0, 0]]


@pytest.mark.parametrize('name', ['result_student.json', 'latest.pth'])
def test_a_band_needs_class_maps(tmp_path, cfg, name):
    with pytest.raises(UsageError, match=r'--out RESULTS\.pkl'):
        find_confusion(cfg, tmp_path / name, band=(0, 3))
