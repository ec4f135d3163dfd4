"""Where the reference data lies: environment variable ``MMSEG_SHARED``, default ``../shared``."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def shared_root() -> Path:
    """The folder of stored reference cases, specifications and real pictures; it need not exist."""
    return Path(os.environ.get('MMSEG_SHARED', REPOSITORY.parent / 'shared'))


def shared_path(relative: str) -> Path:
    """A file or folder below the shared root; skips the calling test, with the reason, where it is absent."""
    path = shared_root() / relative
    if not path.exists():
        pytest.skip(f'{path} does not exist; set MMSEG_SHARED to the folder that holds {relative}')
    return path
