"""Checkpoint files: published contents (docs/methods/tools.md#checkpoints) plus everything an exact resume needs."""

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from mmseg.engine.checkpoint_files import best, checkpoints, iteration_of, numbered
from mmseg.errors import CheckpointError, DataError, TrainingError, UsageError
from mmseg.fileio import atomic_write, read_text
from mmseg.models.weights import read_weight_file
from mmseg.models.weights.checksums import ARCHIVE, add_checksum, file_damage

LATEST = 'latest.pth'
POINTER = 'last_checkpoint'
OLD_FORMAT = b'\x80\x02'
"""Beginning of files of torch before 1.6, which have no check sums."""

logger = logging.getLogger('mmseg')


def write_checkpoint(path: Path, contents: Mapping[str, Any]) -> None:
    """Write a checkpoint under a temporary name, then rename it.

    Raises:
        TrainingError: it cannot be written (for instance, the disk is full); nothing is left behind.
    """
    with _writing(path) as temporary:
        torch.save(dict(contents), temporary)
        add_checksum(temporary)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """:func:`mmseg.fileio.atomic_write` down to the disk, whose failure is a TrainingError that says how to go on."""
    try:
        with atomic_write(path, durable=True) as temporary:
            yield temporary
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f'{path}: could not be written ({error}). Nothing was left half-written, and older checkpoints are as they '
            'were; make room or choose another folder with --work-dir, then go on from the last one with --resume.'
        ) from error


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a training checkpoint onto the CPU.

    Returns:
        ``state_dict``, ``optimizer``, ``meta`` and, unless another program wrote it, ``training_state``.

    Raises:
        CheckpointError: missing, damaged, or not a training checkpoint.
    """
    file = Path(path)
    if not file.is_file():
        found = 'is a folder' if file.is_dir() else 'does not exist'
        raise CheckpointError(
            f'Checkpoint {path} {found}, so training cannot go on from it. Correct the path after --resume-from '
            '(resume_from in the configuration); --resume takes the newest checkpoint of the work folder.'
        )
    contents = read_weight_file(path)
    missing = [
        key
        for key in ('state_dict', 'optimizer', 'meta')
        if not isinstance(contents, Mapping) or key not in contents
    ]
    if missing:
        raise CheckpointError(
            f'{path}: lacks {", ".join(missing)}, so training cannot go on from it (it may hold weights only). Start '
            'a new run from its weights with --load-from.'
        )
    return dict(contents)


def find_latest(work_dir: Path, since: int = 0) -> Path:
    """The checkpoint that ``--resume`` continues: the newest one that is not damaged. Damaged ones are warned of.

    Args:
        work_dir: folder of the run.
        since: files written from then on come first, in nanoseconds as ``st_mtime_ns`` counts them.

    Raises:
        CheckpointError: the folder holds none, or damaged ones only.
    """
    written = sorted([*numbered(work_dir), *best(work_dir)], key=iteration_of, reverse=True)
    candidates = [*_pointed_at(work_dir), work_dir / LATEST, *written]
    present = dict.fromkeys(path.resolve() for path in candidates if path.is_file())
    damaged = []
    for path in sorted(present, key=lambda path: path.stat().st_mtime_ns < since):
        problem = damage(path)
        if problem is None:
            return path
        damaged.append(path.name)
        logger.warning(f'{path} is DAMAGED ({problem}) and left out; looking for an older checkpoint.')
    if damaged:
        raise CheckpointError(
            f'{work_dir}: every checkpoint is damaged ({", ".join(damaged)}). Copy a sound one there, or start again '
            'in another folder with --work-dir.'
        )
    raise CheckpointError(
        f'{work_dir}: nothing to resume, the folder holds no checkpoint (iter_N.pth, best_*.pth, {LATEST}). Start '
        'without --resume, or name a file with --resume-from.'
    )


def damage(path: Path) -> str | None:
    """What is wrong with a checkpoint file; None if its check sums are right, or it is so old that it has none."""
    problem = file_damage(path)
    if problem is None:
        with path.open('rb') as file:
            head = file.read(4)
        if head != ARCHIVE and not head.startswith(OLD_FORMAT):
            return f'it begins with {head!r}, as no checkpoint does'
    return problem


def _pointed_at(work_dir: Path) -> list[Path]:
    """What ``last_checkpoint`` names, if it names a file of the folder."""
    try:
        name = read_text(work_dir / POINTER).strip()
    except DataError:
        return []
    return [path for path in numbered(work_dir) if path.name == name]


def mark_latest(path: Path) -> None:
    """Point ``latest.pth`` (a relative link) and ``last_checkpoint`` at a checkpoint of the same folder.

    Where links need rights that the user lacks (Windows), ``latest.pth`` is the file under a second name, or a copy.

    Raises:
        TrainingError: that cannot be written.
    """
    with _writing(path.parent / POINTER) as temporary:
        temporary.write_text(path.name + '\n', encoding='utf-8')
    link = path.parent / f'.{LATEST}.new'
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(path.name)
    except OSError:
        _second_name(path, link)
    os.replace(link, path.parent / LATEST)


def _second_name(path: Path, name: Path) -> None:
    try:
        name.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, name)


def choose_start(
    work_dir: Path, resume: bool, resume_from: str | Path | None, configured: str | None
) -> Path | None:
    """The checkpoint that a run goes on from; None: it begins anew.

    Args:
        work_dir: its folder.
        resume: ``--resume``: the newest checkpoint of that folder. It comes before ``configured``, from which the run
            has gone on already.
        resume_from: ``--resume-from``, which comes before everything.
        configured: ``resume_from`` of the configuration.

    Raises:
        UsageError: the folder holds a run already, and it is not this one that would go on.
        CheckpointError: there is nothing to resume.
    """
    if resume and not resume_from:
        return Path(configured) if configured and not checkpoints(work_dir) else find_latest(work_dir)
    source = resume_from or configured
    if not source or Path(source).resolve().parent != work_dir.resolve():
        require_unused(work_dir)
    return Path(source) if source else None


def require_unused(work_dir: Path) -> None:
    """Make sure that a new run does not begin in the folder of another one, which would mix their checkpoints.

    Raises:
        UsageError: the folder holds checkpoints.
    """
    present = checkpoints(work_dir)
    if present:
        raise UsageError(
            f'{work_dir}: the folder holds a run already ({present[-1].name}), and a work folder holds one run. Go on '
            'with that run with --resume, or choose another folder with --work-dir.'
        )


def remove_old(newest: Path, keep: int) -> None:
    """Delete all but the ``keep`` newest ``iter_N.pth`` up to the one just written; -1 or 0 keeps all.

    Files of later iterations, beside which an earlier checkpoint was resumed, are left alone.
    """
    written = numbered(newest.parent)
    older = written[: written.index(newest) + 1]
    for path in older[:-keep] if keep > 0 else []:
        path.unlink(missing_ok=True)
