"""Resident memory of this process, as Linux tells it."""

import ctypes
from collections.abc import Callable
from pathlib import Path

MIB = 2**20


def peak_mib(function: Callable[[], object]) -> tuple[float, float] | None:
    """Resident memory in MiB before a call and the most during it; None where the system does not tell."""
    try:
        Path('/proc/self/clear_refs').write_text('5', encoding='utf-8')
    except OSError:
        return None
    # Memory that was freed but kept would hide what the call needs.
    ctypes.CDLL(None).malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5', encoding='utf-8')
    before = kib('/proc/self/status', 'VmRSS:', 0)
    function()
    return before / 1024, kib('/proc/self/status', 'VmHWM:', 0) / 1024


def kib(file: str, key: str, default: int) -> int:
    """A number of KiB from a status file of Linux."""
    lines = Path(file).read_text(encoding='utf-8').splitlines() if Path(file).is_file() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), default)
