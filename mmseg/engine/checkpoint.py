"""Checkpoint files: published contents (spec/tools.md 5) plus everything an exact resume needs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mmseg.errors import CheckpointError, TrainingError
from mmseg.fileio import atomic_write
from mmseg.models.weights import read_checkpoint as read_file

LATEST = 'latest.pth'
POINTER = 'last_checkpoint'


def write_checkpoint(path: Path, contents: Mapping[str, Any]) -> None:
    """Write a checkpoint under a temporary name, then rename it.

    Raises:
        TrainingError: it cannot be written (for instance, the disk is full); nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            torch.save(dict(contents), temporary)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f'{path}: the checkpoint could not be written ({error}). Nothing was left half-written; make room or '
            'choose another folder with --work-dir, then go on from the last checkpoint with --resume.'
        ) from error


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a training checkpoint onto the CPU.

    Returns:
        ``state_dict``, ``optimizer``, ``meta`` and, unless another program wrote it, ``training_state``.

    Raises:
        CheckpointError: missing, damaged, or not a training checkpoint.
    """
    contents = read_file(path)
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


def find_latest(work_dir: Path) -> Path:
    """The checkpoint that ``--resume`` continues.

    Raises:
        CheckpointError: the folder holds none.
    """
    pointer = work_dir / POINTER
    named = [work_dir / pointer.read_text(encoding='utf-8').strip()] if pointer.is_file() else []
    candidates = [*named, work_dir / LATEST, *reversed(_numbered(work_dir))]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise CheckpointError(
            f'{work_dir}: nothing to resume, the folder holds no checkpoint (iter_N.pth or {LATEST}). Start without '
            '--resume, or name a file with --resume-from.'
        )
    return found.resolve()


def mark_latest(path: Path) -> None:
    """Point ``latest.pth`` (a relative link) and ``last_checkpoint`` at a checkpoint of the same folder."""
    with atomic_write(path.parent / POINTER) as temporary:
        Path(temporary).write_text(path.name + '\n', encoding='utf-8')
    link = path.parent / f'.{LATEST}.new'
    link.unlink(missing_ok=True)
    link.symlink_to(path.name)
    os.replace(link, path.parent / LATEST)


def remove_old(work_dir: Path, keep: int) -> None:
    """Delete all but the ``keep`` newest ``iter_N.pth``; -1 or 0 keeps all."""
    numbered = _numbered(work_dir)
    for path in numbered[:-keep] if keep > 0 else []:
        path.unlink(missing_ok=True)


def _numbered(work_dir: Path) -> list[Path]:
    """``iter_N.pth`` by N."""
    found = [path for path in work_dir.glob('iter_*.pth') if path.stem[5:].isdigit()]
    return sorted(found, key=lambda path: int(path.stem[5:]))
