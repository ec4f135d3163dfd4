"""Gather and scatter identities, and sums by class."""

import pytest
import torch

from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.similarity import Rows, Similarity, class_similarity, dot, gathered_sum
from tests.uda.instance_bank import dense


def rows_and_embedding(rows=9, classes=4):
    draw = torch.Generator().manual_seed(2)
    features = torch.rand(rows, 5, generator=draw).double()
    embedding = torch.rand(2, 5, 3, 4, generator=draw).double()
    labels = torch.randint(0, classes, (rows,), generator=draw)
    return Rows(features, labels, torch.zeros(rows).double(), classes), embedding


def test_dot_commutes_with_upsampling():
    rows, embedding = rows_and_embedding()
    grid = Grid((3, 4), (12, 16))
    dense_form = dense.similarities(dense.up(embedding, grid.fine), rows.features)
    torch.testing.assert_close(grid.up(dot(embedding, rows.features)), dense_form, rtol=1e-12, atol=1e-12)


def test_gather_is_an_index_select_bit_for_bit():
    rows, _ = rows_and_embedding()
    scores = torch.randn(2, 4, 6, 5)
    assert torch.equal(scores.index_select(1, rows.labels), dense.gathered(scores, rows.labels))


def test_the_gathered_sum_is_that_over_the_rows():
    rows, embedding = rows_and_embedding()
    scores = torch.randn(2, 4, 3, 4).double()
    gathered = dense.similarities(embedding, rows.features) * dense.gathered(scores, rows.labels)
    torch.testing.assert_close(gathered_sum(embedding, rows, scores), gathered.sum(1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('kind', ['sum', 'softmax'])
@pytest.mark.parametrize('chunk', [2, 50, None])
def test_scatter_sums_the_weights_of_each_class(kind, chunk):
    rows, embedding = rows_and_embedding()
    grid = Grid((3, 4), (6, 8))
    similar = dense.similarities(dense.up(embedding, grid.fine), rows.features)
    weights = similar / similar.sum(1, keepdim=True) if kind == 'sum' else (similar / 0.2).softmax(1)
    want = dense.scattered(weights, rows.labels, torch.zeros(2, 4, 6, 8).double())
    got = class_similarity(embedding, rows, grid, Similarity(kind, 0.2, chunk))
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(got.sum(1), torch.ones(2, 6, 8).double())


def test_unit_rows_and_sums_of_classes():
    rows, _ = rows_and_embedding()
    torch.testing.assert_close(rows.normalised().features.norm(dim=1), torch.ones(9).double())
    for c in range(4):
        torch.testing.assert_close(rows.class_sums[c], rows.features[rows.labels == c].sum(0))
    torch.testing.assert_close(rows.class_sums.sum(0, keepdim=True), rows.total)


@pytest.mark.parametrize('chunk', [1, 100, 10**6])
def test_tiles_hold_at_most_a_chunk_and_every_pixel_with_a_weight_once(chunk):
    rows, _ = rows_and_embedding()
    weight = (torch.rand(2, 1, 7, 10, generator=torch.Generator().manual_seed(0)) > 0.7).double()
    seen = torch.zeros_like(weight)
    for tile in Similarity('sum', chunk=chunk).tiles(weight, rows, Grid((3, 4), (7, 10))):
        count = tile.fine(seen).shape[1]
        assert count == 1 or count * len(rows.labels) <= chunk
        place = seen[tile.image, 0, tile.rows.fine, tile.columns.fine]
        kept = torch.arange(place.numel()) if tile.kept is None else tile.kept
        place += torch.zeros(place.numel()).double().index_fill_(0, kept, 1).view_as(place)
    assert torch.equal(seen, weight)


def test_a_pixel_without_similarity_gets_zeros():
    rows, embedding = rows_and_embedding()
    embedding[:, :, 0, 0] = 0
    got = class_similarity(embedding, rows, Grid((3, 4), (3, 4)), Similarity('sum', 1.0, 4))
    assert got[:, :, 0, 0].count_nonzero() == 0
