"""Confusion matrix and scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmseg.datasets import CLASSES, SYNTHIA_13, SYNTHIA_16
from mmseg.datasets.classes import ClassMerge
from mmseg.errors import UsageError
from mmseg.evaluation import confusion, evaluate, scores

NAMES = ('a', 'b', 'c')
ids = hnp.arrays(np.uint8, (6, 7), elements=st.integers(0, 2))
labels = hnp.arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, 255]))


@given(pred=ids, label=labels)
def test_matrix_counts_pairs(pred: np.ndarray, label: np.ndarray) -> None:
    naive = np.zeros((3, 3), np.int64)
    for p, t in zip(pred.ravel(), label.ravel(), strict=True):
        if t != 255:
            naive[t, p] += 1
    got = confusion(pred.astype(np.int64), label, 3)
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, naive)


@given(pred=ids, label=labels)
def test_scores_are_the_published_formulas(pred: np.ndarray, label: np.ndarray) -> None:
    matrix = confusion(pred, label, 3)
    got = {**scores(matrix, 'mIoU'), **scores(matrix, 'mDice'), **scores(matrix, 'mFscore')}
    counted = label != 255
    for c in range(3):
        hit = float(((pred == c) & (label == c)).sum())
        true, found = float((label == c).sum()), float(((pred == c) & counted).sum())
        np.testing.assert_equal(got['IoU'][c], hit / (true + found - hit) if true + found else np.nan)
        np.testing.assert_equal(got['Dice'][c], 2 * hit / (true + found) if true + found else np.nan)
        np.testing.assert_equal(got['Acc'][c], hit / true if true else np.nan)
    assert 0 <= got['aAcc'] <= 1 or not counted.any()


def test_matrices_of_pictures_add_up() -> None:
    rng = np.random.default_rng(0)
    pred, label = rng.integers(0, 19, (2, 8, 5)), rng.integers(0, 19, (2, 8, 5))
    parts = confusion(pred[0], label[0], 19) + confusion(pred[1], label[1], 19)
    np.testing.assert_array_equal(parts, confusion(pred, label, 19))


def test_better_predictions_score_better() -> None:
    label = np.random.default_rng(0).integers(0, 3, (20, 20))
    worse, bad = label.copy(), label.copy()
    worse[:2], bad[:10] = 0, 0
    mean = [np.mean(scores(confusion(p, label, 3))['IoU']) for p in (label, worse, bad)]
    assert mean[0] == 1
    assert mean[0] > mean[1] > mean[2]


def test_published_order_rounding_and_absent_classes() -> None:
    matrix = np.array([[2, 1, 0], [0, 3, 0], [0, 0, 0]])
    values, text = evaluate(matrix, 'mIoU', NAMES)
    assert list(values) == ['aAcc', 'mIoU', 'mAcc', 'IoU.a', 'IoU.b', 'IoU.c', 'Acc.a', 'Acc.b', 'Acc.c']
    assert values['IoU.a'] == pytest.approx(0.6667, abs=1e-12)
    assert values['mIoU'] == pytest.approx(0.7083, abs=1e-12)
    assert np.isnan(values['IoU.c'])
    lines = text.splitlines()
    assert lines[0] == 'per class results:'
    assert 'Summary:' in lines
    assert '66.67' in text
    (absent,) = (line for line in lines if line.startswith('| c'))
    assert [cell.strip() for cell in absent.strip('|').split('|')] == ['c', '-', '-']


def test_several_metrics_at_once() -> None:
    values = evaluate(np.eye(3, dtype=np.int64), ['mIoU', 'mFscore'], NAMES).values
    assert [key for key in values if '.' not in key] == [
        'aAcc',
        'mIoU',
        'mAcc',
        'mFscore',
        'mPrecision',
        'mRecall',
    ]


def test_means_over_the_classes_of_synthia() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(1, 100, (19, 19))
    absent = [i for i in range(19) if i not in SYNTHIA_16]
    matrix[absent], matrix[:, absent] = 0, 0
    nineteen = np.nan_to_num(scores(matrix)['IoU']).mean()
    sixteen = evaluate(matrix, 'mIoU', CLASSES, subset=SYNTHIA_16)
    assert sixteen.values['mIoU'] == pytest.approx(nineteen * 19 / 16, abs=1e-4)
    assert 'terrain' not in sixteen.text
    thirteen = evaluate(matrix, 'mIoU', CLASSES, subset=SYNTHIA_13)
    assert thirteen.values['mIoU'] == pytest.approx(scores(matrix)['IoU'][list(SYNTHIA_13)].mean(), abs=1e-4)


@given(pred=ids, label=labels)
def test_merging_the_matrix_is_merging_the_maps(pred: np.ndarray, label: np.ndarray) -> None:
    merge = ClassMerge({2: 0}, (1, 0), ('b', 'a+c'))
    table = merge.table()
    merged = evaluate(confusion(table[pred], table[label], 3), 'mIoU', NAMES, subset=(1, 0)).values
    got = evaluate(confusion(pred, label, 3), 'mIoU', NAMES, merge=merge).values
    np.testing.assert_equal(got['mIoU'], merged['mIoU'])
    np.testing.assert_equal(got['IoU.a+c'], merged['IoU.a'])


def test_unknown_metric_is_refused() -> None:
    with pytest.raises(UsageError, match='mIou'):
        scores(np.eye(3, dtype=np.int64), 'mIou')


@pytest.mark.parametrize(
    ('pred', 'label', 'message'),
    [
        ([[3]], [[0]], 'outside'),
        ([[0]], [[3]], 'outside'),
        ([[-1]], [[0]], 'outside'),
        ([[0, 0]], [[0]], 'shape'),
    ],
)
def test_impossible_maps_are_refused(pred: list, label: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion(np.array(pred), np.array(label), 3)


@pytest.mark.parametrize('kind', [np.uint8, np.int64])
def test_counts_are_exact_whatever_the_ids_that_do_not_count(kind: type) -> None:
    """Predictions where the label map says nothing may be anything, also what is no byte."""
    rng = np.random.default_rng(0)
    label = rng.choice([0, 1, 2, 255, 7], (40, 50)).astype(kind)
    pred = rng.integers(0, 3, label.shape)
    pairs = [(int(t), int(p)) for t, p in zip(label.ravel(), pred.ravel(), strict=True) if t not in (7, 255)]
    expected = [[pairs.count((t, p)) for p in range(3)] for t in range(3)]
    label[label == 7] = 255
    assert confusion(pred, label, 3).tolist() == expected
    for strange in (200, 300, -5):
        shown = np.where(label == 255, strange, pred)
        assert confusion(shown, label, 3).tolist() == expected
    assert confusion(pred[:0], label[:0], 3).tolist() == np.zeros((3, 3)).tolist()


def test_counts_of_maps_larger_than_a_float_counts() -> None:
    label = np.zeros((4100, 4100), np.uint8)
    label[0, 0] = 1
    assert confusion(label, label, 2).tolist() == [[4100 * 4100 - 1, 0], [0, 1]]
