"""Started by test_soak.py: trains and notes, every few iterations, what memory and open files the process holds."""

import ctypes
import json
import os
import sys
from pathlib import Path

from mmseg.config import load_config
from mmseg.engine.hooks import LogHook
from mmseg.engine.loop import Run
from mmseg.engine.train import train
from mmseg.processes import children_of
from tests.uda import networks

EVERY = 50


class MallocInfo(ctypes.Structure):
    """What glibc tells about its heap, in bytes; ``fordblks`` are free."""

    names = 'arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost'
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


LIBRARY = ctypes.CDLL(None)
LIBRARY.mallinfo2.restype = MallocInfo


def anonymous_memory(process: int) -> int:
    """Bytes of memory of a process that are no files."""
    lines = Path(f'/proc/{process}/status').read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith('RssAnon'))


def main(config: str, folder: str) -> None:
    """Train as a configuration says, and note the process's memory every 50 steps in ``samples.json``.

    Rows: iteration, bytes of its own, those of them that are free in the allocator's heap, open files, bytes of its
    loader processes.
    """
    samples = []
    original = LogHook.after_iteration

    def measured(hook: LogHook, run: Run) -> None:
        original(hook, run)
        if run.iteration % EVERY == 0:
            free, files = LIBRARY.mallinfo2().fordblks, len(os.listdir('/proc/self/fd'))
            children = sum(anonymous_memory(child) for child in children_of(os.getpid()))
            samples.append((run.iteration, anonymous_memory(os.getpid()), free, files, children))

    LogHook.after_iteration = measured  # type: ignore[method-assign]
    train(load_config(config), work_dir=folder, validate=False)
    Path(folder, 'samples.json').write_text(json.dumps(samples))


if __name__ == '__main__':
    assert networks.CLASSES  # registers the small encoder
    main(*sys.argv[1:])
