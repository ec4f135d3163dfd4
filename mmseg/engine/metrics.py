"""Values of the iterations between two log lines."""

import math

import torch
from torch import Tensor

from mmseg.engine.distributed import sum_over_ranks, world_size
from mmseg.errors import TrainingError

MAY_BE_NAN = 'loss_imnet_feat_dist'
"""The feature distance of a batch without such classes is not-a-number and has no gradient (spec/uda.md 2.3)."""


class MetricWindow:
    """Collects log values on the device and averages them with one host synchronisation.

    Args:
        device: where the values live.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._records: list[tuple[int, dict[str, Tensor]]] = []

    def add(self, iteration: int, values: dict[str, Tensor]) -> None:
        """Keep the scalars of an iteration (numbered from 1); no synchronisation."""
        self._records.append((iteration, values))

    def __len__(self) -> int:
        return len(self._records)

    def flush(self) -> dict[str, float]:
        """Means since the last flush, in logging order, over all processes; not-a-number is left out of a mean.

        Raises:
            TrainingError: a value is not finite; names the term and the iteration.
        """
        columns = self._checked()
        self._records = []
        return self._means(columns) if columns else {}

    def check(self) -> None:
        """Look at the values so far without taking them out; raises like :meth:`flush`."""
        self._checked()

    def _checked(self) -> dict[str, list[float]]:
        """Values by name; one synchronisation."""
        scalars = [value.float().reshape(()) for _, values in self._records for value in values.values()]
        numbers = iter(torch.stack(scalars).tolist() if scalars else ())
        columns: dict[str, list[float]] = {}
        for iteration, values in self._records:
            for name in values:
                number = next(numbers)
                _require_finite(name, number, iteration)
                columns.setdefault(name, []).append(number)
        return columns

    def _means(self, columns: dict[str, list[float]]) -> dict[str, float]:
        kept = {name: [x for x in column if not math.isnan(x)] for name, column in columns.items()}
        pairs = torch.tensor([[sum(column), len(column)] for column in kept.values()], dtype=torch.float64)
        if world_size() > 1:
            pairs = sum_over_ranks(pairs.to(self.device)).cpu()
        return {
            name: total / count if count else math.nan
            for name, (total, count) in zip(kept, pairs.tolist(), strict=True)
        }


def _require_finite(name: str, value: float, iteration: int) -> None:
    if math.isfinite(value) or (math.isnan(value) and name.endswith(MAY_BE_NAN)):
        return
    raise TrainingError(
        f'{name} is {value} at iteration {iteration}; training cannot go on with a value that is not finite. Look at '
        'the inputs of that iteration (labels, normalisation), lower optimizer.lr, or use precision="fp32". Nothing '
        'was saved since: checkpoints of earlier iterations, if there are any, are sound.'
    )
