"""Deformable attention against its definition, written out."""

import pytest
import torch
from torch import nn

from mmseg.models.backbones.deformable import DeformableAttention, centres


def lookup(values, x, y):
    """Bilinear value (C,) of a map (C, h, w) at cell coordinates; 0 outside."""
    height, width = values.shape[1:]
    total = torch.zeros(values.shape[0])
    x0, y0 = int(torch.floor(x)), int(torch.floor(y))
    for column, row in ((x0, y0), (x0 + 1, y0), (x0, y0 + 1), (x0 + 1, y0 + 1)):
        if 0 <= column < width and 0 <= row < height:
            total += values[:, row, column] * (1 - (x - column).abs()) * (1 - (y - row).abs())
    return total


def test_each_query_sees_weighted_points_of_every_map():
    torch.manual_seed(0)
    heads, points, sizes = 2, 3, [(4, 6), (2, 3)]
    layer = DeformableAttention(8, 2, heads, points, ratio=0.5)
    nn.init.normal_(layer.offsets.weight, std=0.3)
    nn.init.normal_(layer.weights.weight, std=0.3)
    queries, values = torch.randn(1, 6, 8), torch.randn(1, 24 + 6, 8)
    places = centres([(2, 3)])
    found = layer(queries, places, values, sizes)
    inner = layer.value(values)[0].split([24, 6])
    maps = [x.T.reshape(4, *size) for x, size in zip(inner, sizes, strict=True)]
    offsets = layer.offsets(queries).view(6, heads, 2, points, 2)
    weights = layer.weights(queries).view(6, heads, 6).softmax(dim=-1).view(6, heads, 2, points)
    wanted = torch.zeros(6, 4)
    for query, head, level, point in torch.cartesian_prod(*map(torch.arange, (6, heads, 2, points))).tolist():
        height, width = sizes[level]
        step = offsets[query, head, level, point]
        x, y = places[query, 0] * width + step[0] - 0.5, places[query, 1] * height + step[1] - 0.5
        seen = lookup(maps[level][2 * head : 2 * head + 2], x, y)
        wanted[query, 2 * head : 2 * head + 2] += weights[query, head, level, point] * seen
    torch.testing.assert_close(found[0], layer.out(wanted))


def test_centres_run_row_by_row():
    assert centres([(1, 2), (2, 1)]).tolist() == [[0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75]]


def test_at_the_start_heads_look_in_all_directions_with_equal_weights():
    layer = DeformableAttention(16, 1, heads=8, points=2)
    steps = layer.offsets(torch.zeros(1, 1, 16)).view(8, 2, 2).detach()
    directions = {(round(float(x)), round(float(y))) for x, y in steps[:, 0]}
    assert directions == {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)} - {(0, 0)}
    torch.testing.assert_close(steps[:, 1], 2 * steps[:, 0])
    assert layer.weights(torch.randn(1, 5, 16)).unique().tolist() == [0]


@pytest.mark.parametrize('heads', [3, 5])
def test_values_inside_are_divisible_by_the_heads(heads):
    layer = DeformableAttention(16, 1, heads=heads)
    assert layer(torch.randn(2, 4, 16), centres([(2, 2)]), torch.randn(2, 4, 16), [(2, 2)]).shape == (
        2,
        4,
        16,
    )
