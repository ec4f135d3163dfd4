"""Correction of the teacher's probabilities by class priors, so that pseudo-labels do not lose the rare classes.

A network that is unsure calls a rare thing by the name of what surrounds it, its student learns that, and the
class dies out. Here probabilities are multiplied by (expected share / share that the teacher gives) ** strength and
normalised: the change of prior of Saerens et al. (Neural Computation 14, 2002), used as logit adjustment by Menon et
al. (ICLR 2021, arXiv:2007.07314) and for domain adaptation by BLDA (Li et al., CVPR 2025).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.global_batch import mean
from mmseg.option_types import Range
from mmseg.options import Amount, NoOptions, Positive, Rate, parse

SMALLEST_SHARE = 1e-6


class ClassPrior(nn.Module):
    """Keeps the running mean of the teacher's probabilities and corrects them.

    Args:
        shares: expected share of the pixels by class id, above 0; for instance those of the source. They need not add
            up to 1. Classes that are not named stay as they are.
        num_classes: C.
        strength: exponent; 0 changes nothing, 1 makes the mean probabilities about the expected shares.
        momentum: share of the old mean kept in a step, in [0, 1).
        max_ratio: a probability is multiplied or divided by at most this, at least 1.

    Raises:
        ConfigError: a value is out of range.
    """

    expected: Tensor
    seen: Tensor

    def __init__(
        self,
        shares: Mapping[int, float],
        num_classes: int,
        strength: float = 1.0,
        momentum: float = 0.99,
        max_ratio: float = 10.0,
    ) -> None:
        super().__init__()
        found = {int(class_id): float(share) for class_id, share in shares.items()}
        valid = found and all(0 <= i < num_classes and share > 0 for i, share in found.items())
        if not valid or not (strength >= 0 and 0 <= momentum < 1 and max_ratio >= 1):
            raise ConfigError(
                f'uda.class_prior is shares={dict(shares)}, strength={strength}, momentum={momentum}, '
                f'max_ratio={max_ratio}; expected shares above 0 by class id below {num_classes}, a strength of at '
                'least 0, a momentum in [0, 1) and a max_ratio of at least 1.'
            )
        self.strength, self.momentum, self.max_ratio = strength, momentum, max_ratio
        expected = torch.zeros(num_classes)
        for class_id, share in found.items():
            expected[class_id] = share / sum(found.values())
        self.register_buffer('expected', expected, persistent=False)
        self.register_buffer('seen', expected.clone())

    def ratios(self) -> Tensor:
        """What the probability of each class is multiplied by, (C,); 1 for classes without an expected share."""
        known = self.expected > 0
        share = (self.seen / self.seen[known].sum()).clamp(min=SMALLEST_SHARE)
        ratio = (self.expected.clamp(min=SMALLEST_SHARE) / share) ** self.strength
        return torch.where(known, ratio.clamp(1 / self.max_ratio, self.max_ratio), 1.0)

    @torch.no_grad()
    def forward(self, probabilities: Tensor) -> Tensor:
        """Take the probabilities (B, C, H, W) into the mean, then correct them; returns a new tensor, sums 1."""
        seen = mean(probabilities.mean(dim=(0, 2, 3)).float())
        self.seen.mul_(self.momentum).add_(seen, alpha=1 - self.momentum)
        corrected = probabilities * self.ratios().view(1, -1, 1, 1)
        return corrected / corrected.sum(dim=1, keepdim=True)


@dataclass(frozen=True, kw_only=True)
class PriorOptions(NoOptions):
    """``uda.class_prior``, see :class:`ClassPrior`."""

    shares: Mapping[Any, Positive]
    strength: Amount = 1.0
    momentum: Rate = 0.99
    max_ratio: Annotated[float, Range(1)] = 10.0

    def conflicts(self) -> list[str]:
        """Shares that belong to no class."""
        if self.shares and all(str(i).isdecimal() for i in self.shares):
            return []
        return [f'shares: found {dict(self.shares)}, expected a share for each of some class ids.']


def build_class_prior(options: Mapping[str, Any] | None, num_classes: int) -> ClassPrior | None:
    """The part from ``uda.class_prior``, or None.

    Raises:
        ConfigError: an option is missing, unknown or out of range.
    """
    if options is None:
        return None
    return ClassPrior(
        num_classes=num_classes, **vars(parse(PriorOptions, options, 'uda.class_prior.{}'.format))
    )
