"""What a forward pass in training says in numbers."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Terms:
    """Scalars by log name.

    Attributes:
        losses: are back-propagated, summed.
        metrics: are only logged.
        order: names in logging order; those that are missing come last.
    """

    losses: dict[str, Tensor]
    metrics: dict[str, Tensor] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.order = list(dict.fromkeys([*self.order, *self.losses, *self.metrics]))

    def prefixed(self, prefix: str) -> 'Terms':
        """The same under longer names."""
        losses, metrics = (
            {f'{prefix}{name}': value for name, value in part.items()} for part in (self.losses, self.metrics)
        )
        return Terms(losses, metrics, [f'{prefix}{name}' for name in self.order])

    def joined(self, *others: 'Terms') -> 'Terms':
        """With those of further passes or parts behind these."""
        found = Terms(dict(self.losses), dict(self.metrics), list(self.order))
        for other in others:
            found.losses |= other.losses
            found.metrics |= other.metrics
            found.order += other.order
        return found

    def values(self) -> dict[str, Tensor]:
        """All of them, in logging order."""
        found = {**self.losses, **self.metrics}
        return {name: found[name] for name in dict.fromkeys([*self.order, *found])}

    def parts(self) -> tuple[dict[str, Tensor], dict[str, Tensor], list[str]]:
        """Losses, metrics and order, the first arguments of every subclass."""
        return self.losses, self.metrics, self.order
