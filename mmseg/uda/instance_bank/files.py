"""Bank files: two uncompressed .npz archives, each with one array ``arr_0`` (docs/methods/dida.md#the-bank)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmseg.errors import DataError
from mmseg.fileio import PathLike, atomic_write, require_regular

LARGEST = 2**30
"""Bytes of an array: a million rows of 256 channels. Archives may say in a few bytes that they hold more."""
CLASSES = 255
"""Class ids are below it."""

FEATURES, LABELS, ARRAY = 'f_buffer_s.npz', 'l_buffer_s.npz', 'arr_0'

Features = NDArray[np.float32]
Labels = NDArray[np.int64]


def bank_paths(bank: PathLike | Sequence[PathLike]) -> tuple[Path, Path]:
    """The two files of a bank: in a folder, or named one by one."""
    if isinstance(bank, str | Path) or not isinstance(bank, Sequence):
        return Path(bank) / FEATURES, Path(bank) / LABELS
    if len(bank) != 2:
        raise DataError(f'A bank has two files, features and labels; found {len(bank)}: {list(bank)}.')
    return Path(bank[0]), Path(bank[1])


def is_bank(bank: PathLike | Sequence[PathLike]) -> bool:
    """Whether both files of a bank are there."""
    try:
        return all(path.is_file() for path in bank_paths(bank))
    except (DataError, TypeError):
        return False


def read_bank(bank: PathLike | Sequence[PathLike], num_classes: int | None = None) -> tuple[Features, Labels]:
    """Read and check a bank.

    Args:
        bank: folder with ``f_buffer_s.npz`` and ``l_buffer_s.npz``, or both files.
        num_classes: labels must be below it.

    Returns:
        float32 (K, D) and int64 (K,).

    Raises:
        DataError: missing or damaged file, wrong shape or type, label out of range, value that is not finite.
    """
    feature_file, label_file = bank_paths(bank)
    features, labels = _read_array(feature_file), _read_array(label_file)
    if features.ndim != 2 or features.dtype.kind != 'f' or not features.size:
        raise DataError(
            f'{feature_file}: the array is {features.dtype} {features.shape}; expected float32 (rows, channels).'
        )
    if labels.shape != features.shape[:1] or labels.dtype.kind not in 'iu':
        raise DataError(
            f'{label_file}: the array is {labels.dtype} {labels.shape}; expected int64 ({len(features)},), one class '
            f'id for each row of {feature_file}.'
        )
    if not np.isfinite(features).all():
        raise DataError(f'{feature_file}: there are values that are not finite. Build the bank again.')
    most = CLASSES if num_classes is None else num_classes
    if labels.min() < 0 or labels.max() >= most:
        raise DataError(
            f'{label_file}: labels go from {labels.min()} to {labels.max()}; expected class ids from 0 to {most - 1}.'
        )
    return features.astype(np.float32), labels.astype(np.int64)


def write_bank(bank: PathLike | Sequence[PathLike], features: Features, labels: Labels) -> tuple[Path, Path]:
    """Write the two files, each under a temporary name first; returns their paths."""
    paths = bank_paths(bank)
    _write_array(paths[0], np.asarray(features, np.float32))
    _write_array(paths[1], np.asarray(labels, np.int64))
    return paths


def _write_array(path: Path, array: NDArray[np.float32] | NDArray[np.int64]) -> None:
    with atomic_write(path) as temporary, open(temporary, 'wb') as stream:
        np.savez(stream, array)  # a nameless array is called arr_0


def _read_array(path: Path) -> NDArray[np.generic]:
    try:
        require_regular(path)
        with np.load(path, allow_pickle=False) as archive:
            names = list(archive.keys()) if isinstance(archive, np.lib.npyio.NpzFile) else []
            if names != [ARRAY]:
                raise DataError(
                    f'{path}: holds {", ".join(names) or "no archive"}; expected one array {ARRAY}. Write banks with '
                    'tools/build_bank.py.'
                )
            _check_size(path, archive)
            array: NDArray[np.generic] = archive[ARRAY]
            if not isinstance(array, np.ndarray):
                raise ValueError(f'its member {ARRAY} is no array')
            return array
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(
            f'{path}: no such file. uda.instance_bank.bank_file is a folder with {FEATURES} and {LABELS}. Those of the '
            'publication are in the folder embedding_cache of the published program (DIDA), not in this one: copy it '
            'here. Or make one with tools/build_bank.py (tools/create_buffer.py: random rows), or remove the key: the '
            'bank then fills itself during training.'
        ) from None
    except (
        Exception
    ) as error:  # NumPy parses the header of an array as Python text, and what that raises is open
        raise DataError(f'{path}: cannot be read as a .npz archive ({error}). Copy it again.') from error


def _check_size(path: Path, archive: np.lib.npyio.NpzFile) -> None:
    """Raise DataError for an array that would fill the memory."""
    assert archive.zip is not None
    size = archive.zip.getinfo(f'{ARRAY}.npy').file_size
    if size > LARGEST:
        raise DataError(f'{path}: unpacks to {size} bytes; expected at most {LARGEST}. Write a smaller bank.')
