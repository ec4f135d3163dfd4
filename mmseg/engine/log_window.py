"""Values of the iterations between two log lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmseg.models.global_batch import mean
from mmseg.models.guard import PLACES

SOUND = (0.0,) * len(PLACES)


@dataclass(frozen=True)
class LoggedStep:
    """What the host knows about a step.

    Attributes:
        iteration: numbered from 1.
        values: log values by name, in logging order; means over the processes.
        own: those of this process.
        flags: see :class:`mmseg.models.guard.StepGuard`.
        files: pictures of the batch.
    """

    iteration: int
    values: dict[str, float]
    own: dict[str, float]
    flags: tuple[float, ...]
    files: tuple[str, ...]


class MetricWindow:
    """Collects log values on the device and averages them with one host synchronisation.

    Args:
        device: where the values live.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._records: list[tuple[int, Mapping[str, Tensor], Tensor | None, Sequence[str]]] = []
        self._steps: list[LoggedStep] = []

    def add(
        self,
        iteration: int,
        values: Mapping[str, Tensor],
        flags: Tensor | None = None,
        files: Sequence[str] = (),
    ) -> None:
        """Keep the scalars, flags and file names of an iteration (numbered from 1); no synchronisation."""
        self._records.append((iteration, values, flags, files))

    def __len__(self) -> int:
        return len(self._records) + len(self._steps)

    def read(self) -> list[LoggedStep]:
        """The steps added since the last call, with one synchronisation; :meth:`flush` still has them.

        Every process has to come here at the same iterations.
        """
        parts = [value.float().reshape(-1) for _, values, _, _ in self._records for value in values.values()]
        parts += [flags for _, _, flags, _ in self._records if flags is not None]
        numbers = torch.cat(parts) if parts else torch.zeros(0)
        own = iter(numbers.tolist())
        places = iter(mean(numbers).tolist()) if parts else iter(())
        columns = [
            ({name: next(places) for name in values}, {name: next(own) for name in values})
            for _, values, _, _ in self._records
        ]
        new = [
            LoggedStep(
                iteration, *column, SOUND if flags is None else tuple(next(own) for _ in flags), tuple(files)
            )
            for (iteration, _, flags, files), column in zip(self._records, columns, strict=True)
        ]
        self._records = []
        self._steps += new
        return new

    def state(self, upto: int) -> list[tuple[int, dict[str, float]]]:
        """Iteration and finite values of the steps up to one that were read and not flushed, for a checkpoint."""
        return [
            (step.iteration, {name: value for name, value in step.values.items() if math.isfinite(value)})
            for step in self._steps
            if step.iteration <= upto
        ]

    def load_state(self, steps: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Take up the window where :meth:`state` left it."""
        self._steps = [
            LoggedStep(iteration, dict(values), dict(values), SOUND, ()) for iteration, values in steps
        ]

    def flush(self) -> dict[str, float]:
        """Means since the last flush, in logging order, over all processes; a mean is one of finite values."""
        self.read()
        columns: dict[str, list[float]] = {}
        for step in self._steps:
            for name, value in step.values.items():
                columns.setdefault(name, []).append(value)
        self._steps = []
        return self._means(columns) if columns else {}

    def _means(self, columns: dict[str, list[float]]) -> dict[str, float]:
        kept = {name: [x for x in column if math.isfinite(x)] for name, column in columns.items()}
        return {name: sum(column) / len(column) if column else math.nan for name, column in kept.items()}
