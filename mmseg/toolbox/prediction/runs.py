"""The folder of a run as what can be loaded: its configuration and its newest checkpoint."""

from pathlib import Path

from mmseg.engine.checkpoint import find_latest
from mmseg.errors import UsageError

NO_CONFIGS = ('result_', 'nonfinite_')
"""Beginnings of other JSON files that a run leaves."""


def find_run(folder: str | Path, checkpoint: str | Path | None = None) -> tuple[Path, Path]:
    """Configuration and newest checkpoint of a work folder, ours or a published one.

    Args:
        folder: of the run.
        checkpoint: instead of the newest one.

    Raises:
        UsageError: there is no configuration, or several.
        CheckpointError: there is no checkpoint, or only damaged ones.
    """
    config = find_config(folder)
    return config, Path(checkpoint) if checkpoint else find_latest(Path(folder))


def find_config(folder: str | Path) -> Path:
    """Configuration of a work folder, ours or a published one.

    It is the only one there, or the one whose name ends in what the folder's name ends in, as in the published folders.

    Raises:
        UsageError: there is none, or there are several.
    """
    folder = Path(folder)
    found = [
        path
        for path in sorted([*folder.glob('*.json'), *folder.glob('*.py')])
        if not path.name.endswith('.log.json') and not path.name.startswith(NO_CONFIGS)
    ]
    named = [path for path in found if path.stem[-1] == folder.resolve().name[-1]]
    if len(found) > 1 and len(named) == 1:
        found = named
    if len(found) != 1:
        names = ', '.join(path.name for path in found) or 'none'
        raise UsageError(
            f'{folder}: expected the folder of a run with one configuration, found {names}. Give the configuration and '
            'the checkpoint by themselves.'
        )
    return found[0]
