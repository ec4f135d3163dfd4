"""Where the reference data lies: in this repository, and in ``MMSEG_SHARED``, by default ``../shared``."""

import os
from pathlib import Path

import pytest

from tests.parity.core import CASES

REPOSITORY = Path(__file__).resolve().parent.parent


def shared_root() -> Path:
    """The folder of all stored reference cases and real pictures; it need not exist."""
    return Path(os.environ.get('MMSEG_SHARED', REPOSITORY.parent / 'shared'))


def shared_path(relative: str) -> Path:
    """A file or folder below the shared root; skips the calling test, with the reason, where it is absent."""
    path = shared_root() / relative
    if not path.exists():
        pytest.skip(f'{path} does not exist; set MMSEG_SHARED to the folder that holds {relative}')
    return path


def reference_path(relative: str) -> Path:
    """A file of the stored reference cases: of the whole set where that is, else of the part in this repository."""
    whole, part = shared_root() / 'golden' / relative, CASES / relative
    return part if part.exists() and not whole.exists() else shared_path(f'golden/{relative}')
