"""Pixel samplers: which pixels a head's loss looks at (docs/methods/heads.md#pixel-sampler)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmseg.options import Count, Share
from mmseg.registry import MODELS


@MODELS.register_module()
class OHEMPixelSampler(nn.Module):
    """Online hard example mining (Shrivastava et al., 2016): weight 1 for hard pixels, 0 for the others.

    Args:
        thresh: pixels whose own class has a probability below this are hard, and at least ``min_kept`` an image are
            kept; None: just the ``min_kept`` pixels of largest loss.
        min_kept: number of pixels an image, averaged over the batch.
    """

    def __init__(self, thresh: Share | None = None, min_kept: Count = 100000) -> None:
        super().__init__()
        self.thresh = thresh
        self.min_kept = min_kept

    @torch.no_grad()
    def forward(
        self, logits: Tensor, label: Tensor, loss_decode: Callable[..., Tensor], ignore_index: int = 255
    ) -> Tensor:
        """Weights in {0, 1}, (B, H, W), for logits (B, C, H, W) and labels int64 (B, H, W).

        Without host synchronisation: ignored pixels are sorted behind all others instead of being cut out.
        """
        valid = label != ignore_index
        kept = min(self.min_kept * label.shape[0], label.numel())
        if self.thresh is None:
            loss = loss_decode(logits, label, ignore_index=ignore_index, reduction_override='none')
            order = loss.masked_fill(~valid, -torch.inf).flatten().argsort(descending=True)
            hard = torch.zeros_like(order, dtype=torch.bool)
            hard[order[:kept]] = True
            return (hard.view_as(label) & valid).to(logits.dtype)
        own = label.masked_fill(~valid, 0).unsqueeze(1)
        probability = logits.softmax(dim=1).gather(1, own).squeeze(1).masked_fill(~valid, torch.inf)
        last = (valid.sum() - 1).clamp(min=0, max=kept)
        threshold = probability.flatten().sort().values.gather(0, last.view(1)).clamp(min=self.thresh)
        return ((probability < threshold) & valid).to(logits.dtype)
