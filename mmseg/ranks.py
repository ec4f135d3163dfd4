"""Which of the processes of a run this one is; everything that asks for it asks here."""

import os

from torch import distributed


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def rank() -> int:
    """Number of this process, from 0; 0 before a process group is joined."""
    return distributed.get_rank() if _joined() else 0


def world_size() -> int:
    """Number of processes; 1 before a process group is joined."""
    return distributed.get_world_size() if _joined() else 1


def is_main() -> bool:
    """Whether this process writes files and messages."""
    return rank() == 0


def launched_as_main() -> bool:
    """As :func:`is_main`, told by the launcher, whether or not a group is joined yet."""
    return os.environ.get('RANK', '0') == '0'
