"""What a forward pass in training says in numbers."""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Terms:
    """Scalars by log name.

    Attributes:
        losses: are back-propagated, summed.
        metrics: are only logged.
    """

    losses: dict[str, Tensor]
    metrics: dict[str, Tensor]

    def prefixed(self, prefix: str) -> 'Terms':
        """The same under longer names."""
        return Terms(*({f'{prefix}{name}': value for name, value in part.items()} for part in self.parts()))

    def update(self, other: 'Terms') -> None:
        """Add those of another pass."""
        for own, more in zip(self.parts(), other.parts(), strict=True):
            own.update(more)

    def parts(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses and metrics."""
        return self.losses, self.metrics
