"""Class means of a batch: identities of docs/methods/dida.md#exact-cheaper-forms and the published update."""

import pytest
import torch

from mmseg.uda.instance_bank.bank import InstanceBank
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.instances import collect_instances, distinct_labels
from tests.uda.instance_bank import dense

CLASSES, SIZE = 5, (12, 16)


def batch(fine=SIZE):
    draw = torch.Generator().manual_seed(3)
    embedding = torch.rand(2, 6, 3, 4, generator=draw).double()
    cells = torch.randint(0, CLASSES + 1, (2, 1, 3, 4), generator=draw)
    label = cells.repeat_interleave(4, 2).repeat_interleave(4, 3)
    return embedding, label.masked_fill(label == CLASSES, 255)


def test_means_without_upsampling_equal_those_of_upsampled_pixels():
    embedding, label = batch()
    found = collect_instances(embedding, label, CLASSES, Grid((3, 4), SIZE), 'image')
    up = dense.up(embedding, SIZE)
    for image, c in ((i, c) for i in range(2) for c in range(CLASSES)):
        pixels = up[image][:, label[image, 0] == c]
        assert found.counts[image, c] == pixels.shape[1]
        assert found.present()[image, c] == (pixels.shape[1] > 0)
        if pixels.shape[1]:
            torch.testing.assert_close(found.means()[image, c], pixels.mean(1))
    pooled = found.pooled()
    torch.testing.assert_close(pooled.sums[0], found.sums.sum(0))


@pytest.mark.parametrize('momentum', [0.999, 0.5])
def test_published_update_equals_the_oracle(momentum):
    embedding, label = batch()
    label[label == 2] = 255
    features, labels = torch.rand(10, 6), torch.arange(10) % CLASSES
    bank = InstanceBank(labels.tolist(), 6, CLASSES, features.numpy().copy()).double()
    want = dense.published_update(bank.features, labels, dense.up(embedding, SIZE), label, CLASSES, momentum)
    bank.average(collect_instances(embedding, label, CLASSES, Grid((3, 4), SIZE), 'batch'), momentum, 'decay')
    torch.testing.assert_close(bank.features, want)
    torch.testing.assert_close(bank.features[2], momentum * features[2].double())


def test_number_of_labels_around_a_pixel():
    label = torch.tensor([[0, 0, 0, 1], [0, 0, 0, 1], [0, 255, 0, 2]]).view(1, 1, 3, 4)
    assert distinct_labels(label)[0, 0, :2].tolist() == [[1, 1, 2, 2], [1, 1, 3, 3]]


def test_boundary_pixels_are_preferred_and_classes_without_keep_all_of_theirs():
    label = torch.zeros(1, 1, 6, 8, dtype=torch.int64)
    label[..., 4:] = 1
    embedding = torch.arange(8.0).expand(1, 1, 6, 8).contiguous()
    grid = Grid((6, 8), (6, 8))
    found = collect_instances(embedding, label, 2, grid, 'image', boundary=2)
    assert found.counts.tolist() == [[6, 6]]
    torch.testing.assert_close(found.means()[0, :, 0], torch.tensor([3.0, 4.0]))
    inner = collect_instances(embedding, torch.zeros_like(label), 2, grid, 'image', boundary=2)
    assert inner.counts.tolist() == [[48, 0]]
