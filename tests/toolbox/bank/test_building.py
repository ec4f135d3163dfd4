"""Banks from images and from noise, and their statistics."""

import numpy as np
import pytest
import torch

from mmseg.errors import DataError
from mmseg.toolbox.bank.building import fill_bank, random_bank
from mmseg.toolbox.bank.statistics import bank_statistics, projection, short_classes
from tests.uda.networks import CLASSES, small_batch, small_method


def samples(count):
    for seed in range(count):
        batch = small_batch(1, seed=seed)
        yield {'img': batch['img'][0], 'gt_semantic_seg': batch['gt_semantic_seg'][0]}


def test_a_bank_of_images_is_full_and_balanced():
    network = small_method().model.eval()
    bank = fill_bank(network, samples(20), 10, boundary=2)
    assert bank.known_full
    assert torch.bincount(bank.labels).tolist() == [3, 3, 2, 2]
    assert (bank.features.norm(dim=1) > 0).all()


def test_too_few_images_name_the_classes():
    network = small_method().model.eval()
    with pytest.raises(DataError, match=r'After 1 images .* classes lack rows: .*--images'):
        fill_bank(network, samples(1), 10 * CLASSES)


def test_random_rows():
    features, labels = random_bank(10, 6, 4, seed=1)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-6)
    assert (features >= 0).all()
    assert np.bincount(labels).tolist() == [3, 3, 2, 2]


def test_statistics_of_two_separate_classes():
    features = np.array([[1, 0], [2, 0], [0, 3], [0, 3]], np.float32)
    found = bank_statistics(features, np.array([0, 0, 2, 2]))
    assert found.counts == [2, 0, 2]
    assert found.norm[:3] == (1.0, 2.25, 3.0)
    assert (found.zeros, found.dead, found.duplicates) == (0.5, 0, 1)
    assert found.cosine_same == pytest.approx(1)
    assert found.cosine_different == pytest.approx(0)
    assert found.centroid_accuracy == 1
    assert found.short == []
    assert projection(features).shape == (4, 2)


def test_short_classes_of_the_published_bank_of_500():
    counts = np.array([24, 24, 24, 24, 29, 24, 37, 34, 24, 24, 24, 37, 27, 24, 24, 24, 24, 24, 24])
    assert len(short_classes(counts, np.arange(19))) == 14
