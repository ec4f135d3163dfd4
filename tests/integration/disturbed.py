"""Trains tiny runs in forked processes, disturbs each from outside in the middle, and says what came of it.

Started as a program of its own with a JSON list of cases and the folder to work in, it prints a JSON list of outcomes.
Forking saves the seconds of start-up that a process of its own would cost each of the runs.
"""

import json
import os
import resource
import runpy
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import torch

from mmseg.batch import Batch
from mmseg.engine import checkpoint, evaluate
from mmseg.uda import DACS
from mmseg.uda.trainable import LossGroup, Trainable
from tests.uda import networks
from tests.warm import warm_up

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
PAUSE_AT = 2
"""Iteration that waits to be disturbed; in evaluation and saving the first one."""


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        name: folder.
        config: configuration file.
        event: name of a signal, 'kill' (of a loader process) or 'gpu', 'host' (memory ends in a step).
        group: the signal goes to the whole process group.
        place: where the run waits for the event: 'step', 'evaluation', 'saving' or 'half saved' (when the second
            checkpoint has a temporary file that is not complete).
        times: how often the signal is sent.
        again: whether to go on with the run afterwards.
    """

    name: str
    config: str
    event: str
    group: bool = False
    place: str = 'step'
    times: int = 1
    again: bool = True


@dataclass
class Outcome:
    """What came of a case; ``resumed`` is the exit code of going on, ``left`` counts processes that stayed."""

    case: Case
    code: int
    errors: str
    seconds: float
    left: int
    resumed: int | None = None


def pause(folder: Path) -> None:
    """Say that the place is reached, then wait for the event."""
    (folder / 'reached').write_text(' '.join(str(child.pid) for child in active_children()))
    for _ in range(int(PATIENCE / 0.02)):
        if (folder / 'sent').exists():
            break
        time.sleep(0.02)
    time.sleep(0.1)


def once(function: Callable[..., Any], folder: Path, when: Callable[..., bool] = lambda *_: True) -> Any:
    """The function, with a pause before its first call that fulfils a condition."""

    def paused(*args: Any, **options: Any) -> Any:
        if when(*args) and not (folder / 'reached').exists():
            pause(folder)
        return function(*args, **options)

    return paused


def breaking(kind: type[Exception]) -> Callable[[DACS, Batch], Iterator[LossGroup]]:
    """DACS, whose step breaks off between two passes, when teacher and statistics have changed already."""
    groups = DACS.loss_groups

    def loss_groups(method: DACS, batch: Batch) -> Iterator[LossGroup]:
        for number, group in enumerate(groups(method, batch)):
            if number == 1 and method.iteration == PAUSE_AT:
                raise kind('2.00 GiB were too much')
            yield group

    return loss_groups


def prepare(case: Case, folder: Path) -> None:
    """Patch this process, so that its run waits where the case says, or breaks off."""
    if case.event in ('gpu', 'host'):
        kind: type[Exception] = torch.OutOfMemoryError if case.event == 'gpu' else MemoryError
        DACS.loss_groups = breaking(kind)  # type: ignore[method-assign]
    elif case.place == 'step':
        at = lambda method, *_: method.iteration == PAUSE_AT  # noqa: E731
        Trainable.train_step = once(Trainable.train_step, folder, at)  # type: ignore[method-assign]
    elif case.place == 'evaluation':
        evaluate.add_to_confusion = once(evaluate.add_to_confusion, folder)
    elif case.place == 'half saved':
        second = lambda path: path.name.startswith('.iter_4.')  # noqa: E731
        checkpoint.add_checksum = once(checkpoint.add_checksum, folder, second)
    else:
        torch.save = once(torch.save, folder)


def start(folder: Path, words: list[str], prepare: Callable[[], None] = lambda: None) -> int:
    """Fork a process that runs tools/train.py in a session of its own, after ``prepare``; returns its id."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    for number, name in ((1, 'out'), (2, 'err')):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    sys.argv = words
    code: Any = 99
    try:
        prepare()
        runpy.run_path(words[0], run_name='__main__')
    except SystemExit as left:
        code = left.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(int(code or 0))


def send(case: Case, child: int, reached: str) -> None:
    """Disturb the run."""
    if case.event == 'kill':
        os.kill(int(reached.split()[0]), signal.SIGKILL)
        return
    for _ in range(case.times):
        (os.killpg if case.group else os.kill)(child, signal.Signals[case.event])
        time.sleep(0.2)


def finish(child: int) -> int:
    """Wait for a process, but not for ever; its exit code."""
    end = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    return -999


def alive(session: int) -> int:
    """Processes of a session that still run."""
    found = 0
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            words = path.read_text().rsplit(')', 1)[1].split()
        except OSError:
            continue
        found += int(words[3]) == session and words[0] != 'Z'
    return found


def play(case: Case, top: Path) -> Outcome:
    """Run a case."""
    folder = top / case.name
    folder.mkdir()
    script = str(ROOT / 'tools' / 'train.py')
    words = [script, case.config, '--work-dir', str(folder / 'run')]
    child = start(folder, words, partial(prepare, case, folder))
    started = time.monotonic()
    if case.event not in ('gpu', 'host'):
        while not (folder / 'reached').exists() and time.monotonic() - started < PATIENCE:
            time.sleep(0.02)
        time.sleep(0.05)
        started = time.monotonic()
        send(case, child, (folder / 'reached').read_text())
        (folder / 'sent').touch()
    code = finish(child)
    seconds = time.monotonic() - started
    outcome = Outcome(case, code, (folder / 'err').read_text(), seconds, alive(child))
    if case.again:
        words = shlex.split(outcome.errors.strip().splitlines()[-1])
        outcome.resumed = finish(start(folder, words[words.index(script) :]))
    return outcome


def main() -> None:
    """Play all cases, two at a time."""
    cases, top = [Case(**case) for case in json.loads(Path(sys.argv[1]).read_text())], Path(sys.argv[2])
    assert networks.CLASSES  # registers the small encoder
    warm_up()  # once, not in every child
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    halves = [cases[0::2], cases[1::2]]
    second = os.fork()
    outcomes = [play(case, top) for case in halves[0 if second else 1]]
    (top / f'outcomes{0 if second else 1}.json').write_text(json.dumps([asdict(item) for item in outcomes]))
    if not second:
        os._exit(0)
    os.waitpid(second, 0)


if __name__ == '__main__':
    main()
