"""What one batch of labelled images offers to the bank: a mean feature of each class.

Source: docs/methods/dida.md#bank-update, #exact-cheaper-forms.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg.models.global_batch import of_all, total
from mmseg.uda.instance_bank.grid import Grid


@dataclass(frozen=True)
class Instances:
    """Sums over the pixels of a class, for one or several images.

    Attributes:
        sums: (N, C, D).
        counts: (N, C), number of pixels.
    """

    sums: Tensor
    counts: Tensor

    def means(self) -> Tensor:
        """(N, C, D); zeros for classes without a pixel."""
        return self.sums / self.counts.clamp(min=1).unsqueeze(2)

    def present(self) -> Tensor:
        """Bool (N, C)."""
        return self.counts > 0

    def pooled(self) -> 'Instances':
        """All images as one."""
        return Instances(self.sums.sum(0, keepdim=True), self.counts.sum(0, keepdim=True))

    def of_all_processes(self) -> 'Instances':
        """Those of all processes in order of rank, so that every process keeps the same bank."""
        return Instances(of_all(self.sums), of_all(self.counts))


def collect_instances(
    embedding: Tensor, label: Tensor, num_classes: int, grid: Grid, positions: str, boundary: int = 0
) -> Instances:
    """Class sums of the up-sampled embedding, without up-sampling it.

    The sum of an up-sampled map over some pixels is its product with their down-sampled indicator.

    Args:
        embedding: (B, D, h, w).
        label: int64 (B, 1, H, W); other values than 0..num_classes - 1 are nothing.
        num_classes: number of classes C.
        grid: from (h, w) to (H, W).
        positions: 'image': one entry an image, of its own pixels. 'batch' (Quirk): one entry, of the first image's
            features at the pixels where any image (of any process) shows the class, counted as often as images do.
        boundary: only pixels with at least so many different labels in their 3 x 3 window; classes without such
            a pixel in an image use all their pixels. 0: all pixels.
    """
    shown = label == torch.arange(num_classes, device=label.device)[:, None, None]
    if boundary:
        edge = shown & (distinct_labels(label) >= boundary)
        shown = torch.where(edge.any(dim=3, keepdim=True).any(dim=2, keepdim=True), edge, shown)
    weight = shown.to(embedding.dtype)
    if positions == 'batch':
        weight, embedding = total(weight.sum(0, keepdim=True)), of_all(embedding[:1])[:1]
    sums = torch.einsum('nchw,ndhw->ncd', grid.adjoint(weight), embedding)
    return Instances(sums, weight.sum((2, 3)))


def distinct_labels(label: Tensor, ignore: int = 255) -> Tensor:
    """Number of different labels in the 3 x 3 window around each pixel, int64 (B, 1, H, W), from 1 to 9.

    Ignored pixels and those outside the image count as the centre's label; around an ignored centre the
    count is meaningless.
    """
    padded = F.pad(label.float(), (1, 1, 1, 1), value=ignore)
    height, width = label.shape[2:]
    windows = torch.cat([padded[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)], 1)
    windows = torch.where(windows == ignore, label.float(), windows).sort(dim=1).values
    return 1 + (windows.diff(dim=1) != 0).sum(dim=1, keepdim=True)
