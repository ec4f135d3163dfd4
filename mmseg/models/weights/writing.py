"""Weight files for others: what they say about themselves, their format, the hash in their name."""

import json
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from mmseg.errors import UsageError
from mmseg.fileio import atomic_write, sha256_of
from mmseg.models.weights.reading import META_ENTRY
from mmseg.models.weights.state import State

LONGEST = 1000
"""Entries of a list in a file of others that are passed on."""
SUFFIXES = ('.pth', '.pt', '.bin', '.safetensors')


def check_suffix(path: Path) -> None:
    """Raises UsageError unless the name says which format is wanted."""
    if path.suffix not in SUFFIXES:
        raise UsageError(
            f'{path}: expected a name that ends in {", ".join(SUFFIXES[:-1])} (format of torch.save) or {SUFFIXES[-1]}.'
        )


def write_weights(path: Path, state: State, meta: Mapping[str, Any] | None = None) -> None:
    """Write weights in the format that the name says, under a temporary name first.

    Args:
        path: ``.safetensors``, or ``.pth``, ``.pt``, ``.bin`` as torch writes them.
        state: tensors by key.
        meta: plain values. With them the file of torch holds ``meta`` and ``state_dict``, without them the bare
            tensors; a safetensors file has them as JSON in its header.

    Raises:
        UsageError: the name has another ending.
        OSError: it cannot be written.
    """
    check_suffix(path)
    whole = {key: value.detach().clone(memory_format=torch.contiguous_format) for key, value in state.items()}
    with atomic_write(path) as temporary:
        if path.suffix == '.safetensors':
            header = {'format': 'pt'} | ({META_ENTRY: json.dumps(meta)} if meta is not None else {})
            save_file(whole, temporary, header)
        else:
            torch.save(whole if meta is None else {'meta': dict(meta), 'state_dict': whole}, temporary)


def put_hash_into_name(path: Path) -> Path:
    """Rename ``NAME.pth`` to ``NAME-0123abcd.pth``, the start of the sha256 of its content; returns the new path."""
    marked = path.with_name(f'{path.stem}-{sha256_of(path)[:8]}{path.suffix}')
    os.replace(path, marked)
    return marked


def plain(value: object, depth: int = 3) -> Any:
    """The part of a value that JSON can hold; None for what it cannot, and for what is nested deeper than ``depth``.

    Of long lists the first :data:`LONGEST` entries: values come from files of others, whose lists can hold each other.
    """
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, (Mapping, list, tuple)) and depth == 0:
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(entry, depth - 1) for key, entry in islice(value.items(), LONGEST)}
    if isinstance(value, (list, tuple)):
        return [plain(entry, depth - 1) for entry in value[:LONGEST]]
    return value if value is None or isinstance(value, (str, int, float, bool)) else None
