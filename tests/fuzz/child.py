"""A process that reads many damaged inputs: ``python -m tests.fuzz.child KIND SEED FIRST LAST``, in an empty folder.

One JSON line in ``faults.txt`` for an input that is neither read nor refused with one of our errors; ``at.txt`` holds
the number of the input in work, so that the parent knows which one ended the process.
"""

import contextlib
import json
import random
import resource
import signal
import sys
import traceback
from pathlib import Path

import cv2
import numpy as np

from mmseg.errors import UserError
from tests.fuzz.kinds import KINDS, Kind

MEMORY = 2**30
"""Bytes of address space that reading may take, beyond those of the interpreter and its libraries."""
SECONDS = 60
"""Until an input counts as hanging: generous, since the machines that run the tests are shared."""


def damaged(kind: Kind, files: dict[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """Name and content of input ``number``: a function of kind, seed and number."""
    rng = random.Random(f'{seed}-{number}')
    name = rng.choice(sorted(files))
    return name, rng.choice(kind.damages)(files[name], rng)


def main(kind_name: str, seed: int, first: int, last: int) -> None:
    """Read the inputs first .. last - 1 of a kind."""
    kind = KINDS[kind_name]
    files = kind.files()
    for content in ('images/1.png', 'labels/1_labelTrainIds.png'):
        path = Path('source') / content
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((24, 40), np.uint8))
    Path('sound-input').mkdir(exist_ok=True)
    for name, content in files.items():
        (Path('sound-input') / name).write_bytes(content)
        with contextlib.suppress(UserError) if name.startswith('refused') else contextlib.nullcontext():
            kind.use(Path('sound-input') / name)  # what is not damaged must be read
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    folder = Path('input')
    folder.mkdir(exist_ok=True)
    for number in range(first, last):
        name, content = damaged(kind, files, seed, number)
        Path('at.txt').write_text(str(number))
        (folder / name).write_bytes(content)
        signal.alarm(SECONDS)  # without a handler: it ends the process, whatever library hangs
        try:
            kind.use(folder / name)
        except UserError:
            pass
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            own = [f for f in traceback.extract_tb(error.__traceback__) if '/mmseg/' in f.filename]
            frame = own[-1] if own else frame
            where = f'{Path(frame.filename).name}:{frame.lineno}'
            report = {'number': number, 'error': f'{type(error).__name__}: {error}'[:300], 'where': where}
            with open('faults.txt', 'a', encoding='utf-8') as stream:
                stream.write(json.dumps(report) + '\n')
        signal.alarm(0)
        (folder / name).unlink()
    Path('at.txt').write_text('done')


if __name__ == '__main__':
    main(sys.argv[1], *map(int, sys.argv[2:5]))
