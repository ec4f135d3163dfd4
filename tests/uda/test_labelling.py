"""Pseudo-labels with and without the options that published methods do not have."""

import torch

from mmseg.uda.labelling import Labelling
from mmseg.uda.options import AdaptationOptions
from mmseg.uda.pseudo_label import trusted_pseudo_label

OPTIONS = AdaptationOptions(pseudo_threshold=0.6, pseudo_weight_ignore_top=1)
LOGITS = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(0)) * 2
IMAGES = torch.zeros(2, 3, 6, 8)


def test_without_options_as_published_and_without_state() -> None:
    labelling = Labelling(OPTIONS, 3, None, 'batch', False)
    found = labelling(LOGITS, IMAGES, lambda images: images, None, None)
    expected = trusted_pseudo_label(LOGITS, 0.6, 1, 0)
    for name in ('label', 'weight', 'confident'):
        assert torch.equal(getattr(found, name), getattr(expected, name))
    assert labelling.state_dict() == {}


def test_all_options_together_follow_one_another() -> None:
    labelling = Labelling(OPTIONS, 3, {'shares': {0: 1, 2: 1}, 'max_ratio': 3}, 'pixel', True)
    seen = []

    def correct(probabilities: torch.Tensor) -> torch.Tensor:
        seen.append(probabilities)
        return probabilities

    found = labelling(LOGITS, IMAGES, lambda images: LOGITS.flip(3), None, correct)
    torch.testing.assert_close(seen[0], LOGITS.softmax(dim=1))  # the mirror image says the same
    ratios = labelling.prior.ratios().view(1, -1, 1, 1)
    corrected = LOGITS.softmax(dim=1) * ratios
    probability, label = (corrected / corrected.sum(dim=1, keepdim=True)).max(dim=1)
    assert torch.equal(found.label, label)
    expected = (probability >= 0.6).float()
    expected[:, 0] = 0
    assert torch.equal(found.weight, expected)
