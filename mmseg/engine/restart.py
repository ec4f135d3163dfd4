"""Processes that torchrun has started again (``--max-restarts``) go on with the run that the earlier ones began."""

import os
from pathlib import Path

from mmseg.engine.checkpoint import find_latest
from mmseg.engine.checkpoint_files import checkpoints
from mmseg.fileio import atomic_write
from mmseg.ranks import is_main

MARK = '.launch'
"""File of a work folder that names the launch which trains there."""


def launch_name() -> str | None:
    """What the processes of one torchrun have in common, through all restarts and on all machines; None without it."""
    name = os.environ.get('TORCHELASTIC_RUN_ID')
    if name != 'none':  # what it is called where no --rdzv-id was given
        return name
    return f'{os.environ["MASTER_ADDR"]}:{os.environ["MASTER_PORT"]}'


def restarts() -> int:
    """How often torchrun has started the processes again."""
    return int(os.environ.get('TORCHELASTIC_RESTART_COUNT', '0'))


def find_restart(work_dir: Path) -> Path | None:
    """The checkpoint from which restarted processes go on: the newest sound one, if this launch has written any.

    None in all other cases; the run then begins as the command says. So a command that was refused, because its folder
    holds another run, is refused again: the first start removes the mark of an earlier launch.

    Raises:
        CheckpointError: all checkpoints are damaged.
    """
    mark = work_dir / MARK
    if not restarts():
        if is_main():
            mark.unlink(missing_ok=True)
        return None
    if not mark.is_file() or mark.read_text(encoding='utf-8') != launch_name():
        return None
    begun = mark.stat().st_mtime_ns
    if not any(path.stat().st_mtime_ns >= begun for path in checkpoints(work_dir)):
        return None
    return find_latest(work_dir, begun)


def mark_launch(work_dir: Path) -> None:
    """Note in the first process that this launch trains here, unless an earlier start of it has done so.

    Nothing without torchrun.
    """
    name, mark = launch_name(), work_dir / MARK
    if name is None or not is_main() or (mark.is_file() and mark.read_text(encoding='utf-8') == name):
        return
    with atomic_write(mark) as temporary:
        Path(temporary).write_text(name, encoding='utf-8')
