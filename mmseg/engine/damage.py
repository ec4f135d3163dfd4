"""Damaged training samples that were replaced: named, counted, and too many of them stop the run."""

from mmseg.engine.loop import Hook, Run
from mmseg.errors import DataError

FEWEST = 100
"""The share is taken of at least so many samples, so that one damaged file among the first stops no run."""


class DamageHook(Hook):
    """Logs what was wrong, each text (it begins with the file's name) once, and counts in ``run.memory``.

    Args:
        max_share: share of damaged samples above which the run stops.
    """

    def __init__(self, max_share: float) -> None:
        self.max_share = max_share

    def after_iteration(self, run: Run) -> None:
        found = [text for texts in run.damaged for text in texts]
        if not found:
            return
        memory = run.memory.setdefault('damaged', {'samples': 0, 'texts': []})
        memory['samples'] += len(found)
        count, drawn = memory['samples'], run.iteration * run.settings.samples_per_gpu
        for text in dict.fromkeys(found):
            if text not in memory['texts']:
                memory['texts'].append(text)
                run.logger.error(f'Damaged sample replaced ({count} of {drawn} so far): {text}')
        if count > self.max_share * max(drawn, FEWEST):
            raise DataError(
                f'{count} of {drawn} training samples were damaged, more than data.max_error_share = '
                f'{self.max_share:g} allows; the log names {len(memory["texts"])} files, the last one: '
                f'{memory["texts"][-1]} Repair them (tools/check_data.py --full finds them all), or allow more.'
            )

    def after_run(self, run: Run) -> None:
        memory = run.memory.get('damaged')
        if memory:
            drawn = run.iteration * run.settings.samples_per_gpu
            run.logger.error(
                f'{memory["samples"]} of {drawn} samples were damaged and replaced; '
                f'files: {len(memory["texts"])}, named above'
            )
