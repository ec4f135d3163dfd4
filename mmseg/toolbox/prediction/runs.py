"""The folder of a run as what can be loaded: its configuration and its newest checkpoint."""

from pathlib import Path

from mmseg.engine.checkpoint import find_latest
from mmseg.engine.finite import RECORD
from mmseg.errors import UsageError

NO_CONFIGS = ('result_', RECORD, '.')
"""Beginnings of other files that a run leaves; with a dot, of those that are being written."""


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


def configs_in(folder: Path) -> list[Path]:
    """Files of a work folder that may be the configuration of its run, by name; empty where there is no folder."""
    return [
        path
        for path in sorted([*folder.glob('*.json'), *folder.glob('*.py')])
        if not path.name.endswith('.log.json') and not path.name.startswith(NO_CONFIGS)
    ]


def find_config(folder: str | Path) -> Path:
    """Configuration of a work folder, ours or a published one.

    It is the only one there, or the one whose name ends in what the folder's name ends in, as in the published folders.

    Raises:
        UsageError: there is none, or there are several.
    """
    folder = Path(folder)
    found = configs_in(folder)
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
