"""Started by test_soak.py: trains and notes, every few iterations, what memory and open files the process holds."""

import json
import os
import sys
from pathlib import Path

from mmseg.config import load_config
from mmseg.engine.hooks import LogHook
from mmseg.engine.loop import Run
from mmseg.engine.train import train
from tests.uda import networks

EVERY = 50


def anonymous_memory() -> int:
    """Bytes of memory of this process that are no files."""
    lines = Path('/proc/self/status').read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith('RssAnon'))


def main(config: str, folder: str) -> None:
    """Train as a configuration says; ``samples.json`` gets [iteration, bytes of its own, open files] every 50 steps."""
    samples = []
    original = LogHook.after_iteration

    def measured(hook: LogHook, run: Run) -> None:
        original(hook, run)
        if run.iteration % EVERY == 0:
            samples.append((run.iteration, anonymous_memory(), len(os.listdir('/proc/self/fd'))))

    LogHook.after_iteration = measured  # type: ignore[method-assign]
    train(load_config(config), work_dir=folder, validate=False)
    Path(folder, 'samples.json').write_text(json.dumps(samples))


if __name__ == '__main__':
    assert networks.CLASSES  # registers the small encoder
    main(*sys.argv[1:])
