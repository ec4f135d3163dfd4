"""Feature distance and labels on a feature grid."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.uda.feature_distance import downscale_label_ratio, feature_distance, in_classes, masked_distance


def naive_downscale(label, k, min_ratio, num_classes):
    """The definition, cell by cell."""
    batch, _, height, width = label.shape
    out = torch.full((batch, 1, height // k, width // k), 255)
    for b, y, x in torch.cartesian_prod(
        torch.arange(batch), torch.arange(height // k), torch.arange(width // k)
    ).tolist():
        cell = label[b, 0, y * k : (y + 1) * k, x * k : (x + 1) * k]
        counts = [int((cell == value).sum()) for value in [*range(num_classes), 255]]
        winner = counts.index(max(counts))
        if winner < num_classes and counts[winner] / k**2 >= min_ratio:
            out[b, 0, y, x] = winner
    return out


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 2), st.integers(2, 13), st.integers(2, 13), st.integers(2, 4),
    st.sampled_from([0.25, 0.5, 0.75, 1.0]), st.integers(0, 1000),
)  # fmt: skip
def test_downscaling_follows_its_definition(batch, height, width, k, min_ratio, seed):
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 4, (batch, 1, height, width), generator=generator)
    label[label == 3] = 255
    got = downscale_label_ratio(label, k, min_ratio, 3)
    assert torch.equal(got, naive_downscale(label, k, min_ratio, 3))


def test_a_cell_of_one_pixel_is_refused():
    with pytest.raises(ValueError, match='above 1'):
        downscale_label_ratio(torch.zeros(1, 1, 4, 4, dtype=torch.int64), 1, 0.5, 3)


def test_the_mean_runs_over_masked_positions_of_the_whole_batch():
    features, frozen = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4)
    mask = torch.rand(2, 1, 3, 4) > 0.5
    mask[0] = False
    mask[1, 0, 0, 0] = True
    distance = (features - frozen).norm(dim=1)
    torch.testing.assert_close(masked_distance(features, frozen, mask), distance[mask[:, 0]].mean())
    torch.testing.assert_close(masked_distance(features, frozen), distance.mean())


def test_an_empty_mask_logs_zero_and_sends_no_gradient():
    features = torch.randn(1, 2, 2, 2, requires_grad=True)
    distance = masked_distance(features, torch.zeros(1, 2, 2, 2), torch.zeros(1, 1, 2, 2, dtype=torch.bool))
    assert distance.item() == 0
    (features.sum() + 0.005 * distance).backward()
    assert torch.equal(features.grad, torch.ones_like(features))


def test_equal_features_have_a_finite_gradient():
    features = torch.ones(1, 2, 2, 2, requires_grad=True)
    masked_distance(features, torch.ones(1, 2, 2, 2)).backward()
    assert features.grad.abs().sum() == 0


def test_in_classes():
    label = torch.tensor([[0, 2, 255]])
    assert in_classes(label, [2, 7]).tolist() == [[False, True, False]]
    assert not in_classes(label, []).any()


def test_without_classes_all_positions_take_part():
    found = feature_distance(
        torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2), torch.zeros(1), None, 0.75, 3, 4
    )
    assert found.value.item() == pytest.approx(2.0)
    assert found.mask is None


def test_remaining_rows_and_columns_are_dropped():
    features = torch.randn(1, 4, 2, 3)
    label = torch.zeros(1, 1, 9, 13, dtype=torch.int64)
    found = feature_distance(features, torch.zeros_like(features), label, [0], 0.75, 3, 4)
    assert found.mask.shape == (1, 1, 2, 3)
    assert found.mask.all()


def test_cells_that_reach_beyond_the_label_see_nothing_there():
    features = torch.randn(1, 4, 3, 2)
    label = torch.zeros(1, 1, 9, 7, dtype=torch.int64)
    found = feature_distance(features, torch.zeros_like(features), label, [0], 0.75, 3, 4)
    assert found.mask[0, 0].tolist() == [[True, True], [True, True], [False, False]]
    assert found.label[0, 0].tolist() == [[0, 0], [0, 0], [255, 255]]
    wanted = features[:, :, :2].norm(dim=1).mean()
    torch.testing.assert_close(found.value, wanted)
