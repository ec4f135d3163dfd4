"""Hard pixels by threshold and by loss."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.models.losses import CrossEntropyLoss
from mmseg.models.samplers import OHEMPixelSampler


def drawn(seed: int, ignored: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits (2, 3, 4, 5), labels, and the probability of each pixel's own label."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 4, 5, generator=generator)
    label = torch.randint(0, 3, (2, 4, 5), generator=generator)
    own = logits.softmax(1).gather(1, label.unsqueeze(1)).squeeze(1)
    label[torch.rand(2, 4, 5, generator=generator) < ignored] = 255
    return logits, label, own


@given(st.integers(0, 1000), st.floats(0, 1), st.integers(1, 30), st.sampled_from([0.0, 0.3, 1.0]))
def test_threshold(seed: int, thresh: float, min_kept: int, ignored: float) -> None:
    logits, label, own = drawn(seed, ignored)
    weight = OHEMPixelSampler(thresh, min_kept)(logits, label, CrossEntropyLoss())
    valid = label != 255
    if not valid.any():
        assert weight.sum() == 0
        return
    ordered = own[valid].sort().values
    limit = max(thresh, ordered[min(min_kept * 2, len(ordered) - 1)].item())
    assert torch.equal(weight, ((own < limit) & valid).float())


@given(st.integers(0, 1000), st.integers(1, 30), st.sampled_from([0.0, 0.3, 1.0]))
def test_largest_losses(seed: int, min_kept: int, ignored: float) -> None:
    logits, label, own = drawn(seed, ignored)
    weight = OHEMPixelSampler(None, min_kept)(logits, label, CrossEntropyLoss())
    valid = label != 255
    assert weight.sum() == min(min_kept * 2, int(valid.sum()))
    assert not weight[~valid].any()
    chosen, others = own[weight == 1], own[valid & (weight == 0)]
    assert not len(others) or not len(chosen) or chosen.max() <= others.min() + 1e-6
