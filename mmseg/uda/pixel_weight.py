"""Weights of single pseudo-label pixels, instead of one weight for the whole batch.

One weight for all, the share of confident pixels (DACS), trains on unsure pixels as much as on sure ones, and those are
mostly things that the teacher takes for their surroundings. Here unsure pixels get weight 0: FixMatch (Sohn et al.,
NeurIPS 2020, arXiv:2001.07685), with a threshold for each class as in FreeMatch (Wang et al., ICLR 2023,
arXiv:2205.07246), without which hard classes would never be sure.
"""

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.global_batch import total

WEIGHTS = ('batch', 'pixel', 'class')
"""Valid values of ``uda.pseudo_weight``: the published one; sure pixels only; likewise with a threshold a class."""


class PixelWeight(nn.Module):
    """Weight 1 for pixels that reach their threshold, 0 for the others.

    Args:
        threshold: probability in [0, 1]; with ``by_class`` that of the class which is predicted most confidently.
        num_classes: C.
        by_class: the threshold of a class is ``threshold`` times the running mean of the probability with which it is
            predicted, divided by the largest of these means.
        momentum: share of the old means kept in a step; a class that is not predicted keeps its mean.
    """

    confidence: Tensor

    def __init__(self, threshold: float, num_classes: int, by_class: bool, momentum: float = 0.99) -> None:
        super().__init__()
        self.threshold, self.by_class, self.momentum = threshold, by_class, momentum
        # All alike at the start; 1 / C, as little as a prediction can be sure, lets hard classes begin with a low one.
        self.register_buffer('confidence', torch.full((num_classes,), 1.0 / num_classes), persistent=by_class)

    def thresholds(self) -> Tensor:
        """By class, (C,)."""
        if not self.by_class:
            return torch.full_like(self.confidence, self.threshold)
        return self.threshold * self.confidence / self.confidence.max()

    @torch.no_grad()
    def forward(self, probability: Tensor, label: Tensor) -> Tensor:
        """Float32 weights (B, H, W) of pixels labelled ``label`` (int64) with ``probability``, both (B, H, W)."""
        if self.by_class:
            self._observe(probability, label)
        return (probability >= self.thresholds()[label]).float()

    def _observe(self, probability: Tensor, label: Tensor) -> None:
        totals = torch.zeros(2, len(self.confidence), device=label.device)
        totals[0].scatter_add_(0, label.flatten(), probability.flatten().float())
        totals[1].scatter_add_(
            0, label.flatten(), torch.ones_like(probability.flatten(), dtype=torch.float32)
        )
        totals = total(totals)
        seen = totals[1] > 0
        mean = totals[0] / totals[1].clamp(min=1)
        moved = self.momentum * self.confidence + (1 - self.momentum) * mean
        self.confidence.copy_(torch.where(seen, moved, self.confidence))


def build_pixel_weight(kind: str, threshold: float, num_classes: int) -> PixelWeight | None:
    """The part from ``uda.pseudo_weight``; None for 'batch', the published weight.

    Raises:
        ConfigError: another value than :data:`WEIGHTS`.
    """
    if kind not in WEIGHTS:
        raise ConfigError(f'uda.pseudo_weight is {kind!r}; expected one of {", ".join(WEIGHTS)}.')
    return None if kind == 'batch' else PixelWeight(threshold, num_classes, by_class=kind == 'class')
