"""Kills tiny runs with SIGKILL at random moments, goes on with them, and compares them with one that was never killed.

Started by test_kills.py with a JSON list of combinations and the folder to work in, it prints a line a kill and writes
what came of them as JSON. Processes are forked, as in disturbed.py.
"""

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from mmseg.engine.checkpoint import read_checkpoint
from tests.integration.disturbed import ROOT, alive, finish, start
from tests.warm import warm_up

SCRIPT = str(ROOT / 'tools' / 'train.py')
WRITING = 0.1
"""Seconds after the appearance of a temporary file in which a kill is drawn."""
MOST_KILLS = 3
"""Of one run, before it is left to finish."""
PATIENCE = 10.0
KILLED = -signal.SIGKILL
VOLATILE = ('time', 'data_time', 'memory')
"""Entries of a log line that tell of the machine, not of the training."""


@dataclass(frozen=True)
class Combination:
    """A method with a number of loader processes.

    Attributes:
        name: of its folder.
        config: configuration file.
        whole: configuration file of the uninterrupted run to compare with; combinations may share it.
        kills: how often its runs are killed, together.
    """

    name: str
    config: str
    whole: str
    kills: int


@dataclass
class Tally:
    """What came of a combination.

    Attributes:
        runs: how many were finished and compared.
        early, between, writing: kills before the first checkpoint, later, and with a half-written one left.
        differences: what was not as in the uninterrupted run, or went wrong.
    """

    runs: int = 0
    early: int = 0
    between: int = 0
    writing: int = 0
    differences: list[str] = field(default_factory=list)


def words_of(config: str, folder: Path) -> list[str]:
    """The command line: it goes on if there is a checkpoint, as a user would."""
    resume = ['--resume'] if any(folder.glob('iter_*.pth')) else []
    return [SCRIPT, config, '--work-dir', str(folder), *resume]


def half_written(folder: Path) -> set[str]:
    """Checkpoints under their temporary names."""
    return {path.name for path in folder.glob('.*.tmp.pth')}


def is_over(child: int) -> bool:
    """Whether a process has ended; :func:`finish` still collects it."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def written(folder: Path) -> set[str]:
    """Checkpoints that are complete."""
    return {path.name for path in folder.glob('iter_*.pth')}


def strike(child: int, folder: Path, seconds: float, rng: random.Random) -> None:
    """Kill a process, alone or with its group, at a moment that is drawn; not if it ends before.

    A third of the moments lie anywhere in the time a run takes, start included, a third some time after a checkpoint
    was written, a third while one is written.
    """
    look, longest = rng.choice([(lambda _: set(), seconds), (written, seconds / 3), (half_written, WRITING)])
    until = time.monotonic() + rng.uniform(0, longest) if longest == seconds else float('inf')
    wanted, seen = rng.randint(1, 2), look(folder)
    while time.monotonic() < until and not is_over(child):
        new = look(folder) - seen
        seen |= new
        wanted -= len(new)
        if new and wanted == 0:
            until = time.monotonic() + rng.uniform(0, longest)
        time.sleep(0.001)
    if not is_over(child):
        (os.killpg if rng.random() < 0.5 else os.kill)(child, signal.SIGKILL)


def play(combination: Combination, top: Path, whole: Path, seconds: float) -> Tally:
    """Kill runs of a combination as often as wanted, finish and compare each; the first difference ends it."""
    rng, tally = random.Random(combination.name), Tally()
    while not tally.differences and tally.early + tally.between + tally.writing < combination.kills:
        folder = top / f'{combination.name}-{tally.runs}'
        folder.mkdir()
        before = tally.early + tally.between + tally.writing
        budget = min(rng.randint(1, MOST_KILLS), combination.kills - before)
        code = KILLED
        while code == KILLED:
            child = start(folder, words_of(combination.config, folder / 'run'))
            if budget:
                strike(child, folder / 'run', seconds, rng)
            code = finish(child)
            if code == KILLED:
                budget -= 1
                note(tally, combination, folder / 'run', child)
        tally.runs += 1
        problems = differences(whole, folder / 'run') if code == 0 else [(folder / 'err').read_text()]
        tally.differences += [f'{folder.name}: {problem}' for problem in problems]
    return tally


def note(tally: Tally, combination: Combination, folder: Path, session: int) -> None:
    """Count a kill by what it left, and see that no process of the run stays."""
    if half_written(folder):
        phase = 'writing'
    elif any(folder.glob('iter_*.pth')):
        phase = 'between'
    else:
        phase = 'early'
    setattr(tally, phase, getattr(tally, phase) + 1)
    sys.stdout.write(f'{combination.name} killed: {phase}\n')
    sys.stdout.flush()
    end = time.monotonic() + PATIENCE
    while alive(session) and time.monotonic() < end:
        time.sleep(0.02)
    if alive(session):
        tally.differences.append(f'{folder}: {alive(session)} processes stay')
        os.killpg(session, signal.SIGKILL)


def differences(whole: Path, folder: Path) -> Iterator[str]:
    """What a finished run has otherwise than the uninterrupted one."""
    ours, theirs = (sorted(kept_files(path)) for path in (folder, whole))
    if ours != theirs:
        yield f'files {ours} instead of {theirs}'
    for name in set(ours) & set(theirs):
        if name.endswith('.pth'):
            one, other = (dict(bits(read_checkpoint(path / name))) for path in (folder, whole))
            places = (place for place in one.keys() | other.keys() if place[0:1] != ('meta',))
            yield from (f'{name}: {place} differs' for place in places if one.get(place) != other.get(place))
    lines = list(log_lines(folder)), list(log_lines(whole))
    values = [{(line['mode'], line['iter']): line for line in part} for part in lines]
    if values[0] != values[1] or any(line not in lines[1] for line in lines[0]):
        yield f'log lines {lines[0]} instead of {lines[1]}'


def kept_files(folder: Path) -> Iterator[str]:
    """Names of what a run keeps, but for its logs, whose names are times."""
    return (path.name for path in folder.iterdir() if not path.name.endswith(('.log', '.log.json')))


def bits(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every entry of nested dicts and lists with the keys that lead to it; of tensors kind, shape and bytes."""
    if isinstance(value, torch.Tensor):
        yield place, (value.dtype, value.shape, value.stride(), value.numpy().tobytes())
    elif isinstance(value, dict):
        yield place, list(value)
        for key, entry in value.items():
            yield from bits(entry, (*place, key))
    elif isinstance(value, list | tuple):
        yield place, (type(value), len(value))
        for number, entry in enumerate(value):
            yield from bits(entry, (*place, number))
    else:
        yield place, (type(value), value)


def log_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Lines of all logs of a run; a last one that the kill has cut off is none."""
    for path in sorted(folder.glob('*.log.json')):
        for text in path.read_text().splitlines(keepends=True):
            if text.endswith('\n') and 'mode' in (line := json.loads(text)):
                yield {key: value for key, value in line.items() if key not in VOLATILE}


def train_whole(config: str, folder: Path) -> float:
    """The uninterrupted run; returns its seconds."""
    folder.mkdir()
    started = time.monotonic()
    code = finish(start(folder, words_of(config, folder / 'run')))
    assert code == 0, (folder / 'err').read_text()
    return time.monotonic() - started


def main() -> None:
    """Two combinations at a time."""
    plan, top = [Combination(**item) for item in json.loads(Path(sys.argv[1]).read_text())], Path(sys.argv[2])
    warm_up()  # once, not in every child
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wholes = list(dict.fromkeys(combination.whole for combination in plan))
    second = os.fork()
    found, half = {}, 0 if second else 1
    for config in wholes[half::2]:
        whole = top / f'whole-{Path(config).stem}'
        seconds = train_whole(config, whole)
        for combination in plan:
            if combination.whole == config:
                found[combination.name] = asdict(play(combination, top, whole / 'run', seconds))
    (top / f'tallies{half}.json').write_text(json.dumps(found))
    if not second:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(second, 0)[1]) == 0, 'the other half failed'


if __name__ == '__main__':
    main()
