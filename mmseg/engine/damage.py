"""Damaged training samples that were replaced: named, counted, and too many of them stop the run."""

from torch import distributed

from mmseg.engine.distributed import any_rank
from mmseg.engine.hooks import due
from mmseg.engine.loop import STOP_INTERVAL, Hook, Run
from mmseg.errors import DataError
from mmseg.ranks import is_main, world_size

FEWEST = 100
"""The share is taken of at least so many samples, so that one damaged file among the first stops no run."""

Found = tuple[int, list[str]]
"""A finished step, and what was wrong with samples of its batch."""


class DamageHook(Hook):
    """Logs what was wrong, each text (it begins with the file's name) once, and counts in ``run.memory``.

    What several processes have met is put together before each evaluation and checkpoint, and every
    :data:`mmseg.engine.loop.STOP_INTERVAL` steps, since that costs an exchange which waits for the device. So each
    one remembers what one process with all of the images would.

    Args:
        max_share: share of damaged samples above which the run stops.
    """

    def __init__(self, max_share: float) -> None:
        self.max_share = max_share
        self._waiting: list[Found] = []

    def after_iteration(self, run: Run) -> None:
        """Count.

        Raises:
            DataError: there are too many; in all processes.
        """
        found = [text for texts in run.damaged for text in texts]
        if found:
            self._waiting.append((run.iteration, found))
        intervals = (STOP_INTERVAL, run.settings.eval_interval, run.settings.checkpoint_interval)
        if world_size() == 1 or run.iteration == run.max_iters or any(due(run, n) for n in intervals):
            for iteration, texts in self._of_all_processes(run):
                self._count(run, iteration, texts)

    def after_run(self, run: Run) -> None:
        """Say how many there were."""
        memory = run.memory.get('damaged')
        if memory and is_main():
            run.logger.error(
                f'{memory["samples"]} of {_drawn(run, run.iteration)} samples were damaged and replaced; '
                f'files: {len(memory["texts"])}, named above'
            )

    def _of_all_processes(self, run: Run) -> list[Found]:
        """What has come since the last look, in the order of one process."""
        mine, self._waiting = self._waiting, []
        if world_size() == 1 or not any_rank(bool(mine), run.device):
            return mine
        parts: list[list[Found]] = [[] for _ in range(world_size())]
        distributed.all_gather_object(parts, mine)
        return sorted((one for part in parts for one in part), key=lambda one: one[0])

    def _count(self, run: Run, iteration: int, found: list[str]) -> None:
        memory = run.memory.setdefault('damaged', {'samples': 0, 'texts': []})
        memory['samples'] += len(found)
        count, drawn = memory['samples'], _drawn(run, iteration)
        for text in dict.fromkeys(found):
            if text not in memory['texts']:
                memory['texts'].append(text)
                if is_main():
                    run.logger.error(f'Damaged sample replaced ({count} of {drawn} so far): {text}')
        if count > self.max_share * max(drawn, FEWEST):
            raise DataError(
                f'{count} of {drawn} training samples were damaged, more than data.max_error_share = '
                f'{self.max_share:g} allows; the log names {len(memory["texts"])} files, the last one: '
                f'{memory["texts"][-1]} Repair them (tools/check_data.py --full finds them all), or allow more.'
            )


def _drawn(run: Run, iteration: int) -> int:
    """Samples of either domain in all processes up to an iteration."""
    return iteration * run.settings.samples_per_gpu * world_size()
