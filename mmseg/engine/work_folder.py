"""The work folder of a run: where it is, which process may write there, the configuration that is kept in it."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.config import Config

from mmseg.config import resolved
from mmseg.config.writing import config_text
from mmseg.errors import UsageError
from mmseg.fileio import atomic_write, require_closed

LOCK = '.lock'
PATIENCE = 5.0
"""Seconds to wait for a process that is about to end, or has just been killed."""
TEMPORARY = re.compile(r'\..+\.[0-9a-f]{8}\.tmp(\.\w+)?|\.latest\.pth\.new')
"""Names that files have while they are written (:func:`mmseg.fileio.atomic_write`)."""


@contextlib.contextmanager
def reserved(work_dir: Path) -> Iterator[None]:
    """Keep other processes out of a work folder, and remove what dead ones have left half-written.

    The system gives the lock back when its process ends, however it ends; the file :data:`LOCK` stays.

    Raises:
        UsageError: another process trains there, or a link leads out of it.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    require_closed(work_dir)
    lock = FileLock(work_dir / LOCK, timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(
            f'{work_dir}: another process is training in this folder. Wait for it or stop it, then go on with '
            '--resume; for a second run choose another folder with --work-dir.'
        ) from None
    try:
        for path in work_dir.iterdir():
            if TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def choose_work_dir(cfg: Config, given: str | Path | None = None) -> Path:
    """The folder of a run: given, else ``cfg.work_dir``, else ``work_dirs/{name of the config file}``."""
    return Path(given or cfg.get('work_dir') or Path('work_dirs') / Path(cfg.filename or 'run').stem)


def save_config(cfg: Config, path: Path) -> None:
    """Write the merged configuration in the format that the name says: JSON stays JSON.

    Source: docs/methods/tools.md#training-program.
    """
    with atomic_write(path) as temporary:
        if path.suffix == '.json':
            Path(temporary).write_text(json.dumps(resolved(cfg), indent=2), encoding='utf-8')
        else:
            Path(temporary).write_text(config_text(cfg), encoding='utf-8')
