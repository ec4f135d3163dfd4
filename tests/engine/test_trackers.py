"""Experiment trackers: same names, pictures, no network. What is not installed here is skipped, and says so."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmseg.config.library_types import TRACKERS
from mmseg.engine.log import LogWriter
from mmseg.engine.loop import run_loop
from mmseg.engine.trackers import KINDS, build_trackers
from mmseg.errors import ConfigError
from tests.engine.fakes import make_run

MODULES = {'TensorboardLoggerHook': 'tensorboard', 'WandbLoggerHook': 'wandb', 'MlflowLoggerHook': 'mlflow'}
ROOT = Path(__file__).resolve().parents[2]
WRITES = """
import sys
from pathlib import Path
import numpy as np
from mmseg.engine.log import LogWriter
from mmseg.engine.trackers import build_trackers

folder = Path(sys.argv[2])
writer = LogWriter(folder / 'log.json', 'toy', build_trackers([sys.argv[1]], folder, 'toy'))
assert len(writer.trackers) == 1
writer.training(2, 4, 0.1, 1.0, {'time': 1.0, 'data_time': 0.5}, {'decode.loss_seg': 3.0, 'odd (name)': 1.0})
writer.picture(1, 'class_mix_debug/0', np.full((4, 6, 3), 200, np.uint8))
writer.evaluation(2, 0.1, {'IoU.traffic light': 0.25, 'mIoU': float('nan')})
assert len(writer.trackers) == 1, 'none was left out'
writer.close()
"""

READS_WANDB = """
import json, sys
from pathlib import Path
from wandb.proto import wandb_internal_pb2

data, found = Path(sys.argv[1]).read_bytes()[7:], {}  # a head of 7 bytes
while data:  # records behind 7 bytes: check sum, length, kind
    size = int.from_bytes(data[4:6], 'little')
    record = wandb_internal_pb2.Record.FromString(data[7 : 7 + size])
    data = data[7 + size :]
    items = {(item.nested_key or [item.key])[0]: json.loads(item.value_json) for item in record.history.item}
    if items.pop('iter', None) == 2:
        found |= {name: value for name, value in items.items() if name[0] != '_'}
print(json.dumps(found))
"""


def test_every_tracker_is_declared_and_can_be_built() -> None:
    assert KINDS.keys() == TRACKERS.keys() == MODULES.keys()
    assert build_trackers(['TextLoggerHook', 'PrecisionLoggerHook'], Path('nowhere'), '') == []


@pytest.mark.parametrize('kind', MODULES)
def test_a_missing_package_is_told_with_its_name(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, MODULES[kind], None)
    for name in [name for name in sys.modules if name.startswith('torch.utils.tensorboard')]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match=f'asks for {kind}, but {TRACKERS[kind]} is not installed'):
        build_trackers([kind], tmp_path, 'toy')


@pytest.mark.parametrize('kind', MODULES)
def test_numbers_and_pictures_arrive_without_a_network(kind: str, tmp_path: Path) -> None:
    """In a process of its own: two of the packages start threads and programs."""
    if find_spec(MODULES[kind]) is None:
        pytest.skip(f'{MODULES[kind]} is not installed')
    nowhere = {'http_proxy': 'http://127.0.0.1:9', 'https_proxy': 'http://127.0.0.1:9', 'HOME': str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(('WANDB', 'MLFLOW'))}
    done = subprocess.run(
        [sys.executable, '-c', WRITES, kind, str(tmp_path)], env={**kept, **nowhere, 'PYTHONPATH': str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / 'log.json').read_text().splitlines()]
    assert READ[kind](tmp_path) == {
        name: {lines[0]['iter']: value}
        for name, value in {**lines[0], **lines[1]}.items()
        if name not in ('mode', 'epoch', 'iter', 'mIoU')
    }


def tensorboard(folder: Path) -> dict[str, dict[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    (picture,) = events.Images('class_mix_debug/0')
    assert (picture.step, picture.width, picture.height) == (1, 6, 4)
    names = events.Tags()['scalars']
    return {name: {e.step: pytest.approx(e.value, abs=1e-5) for e in events.Scalars(name)} for name in names}


def wandb(folder: Path) -> dict[str, dict[int, float]]:
    """In a process of its own, since the package leaves threads behind."""
    assert len(list(folder.rglob('files/media/images/class_mix_debug/0_*.png'))) == 1
    (file,) = folder.rglob('run-*.wandb')
    command = [sys.executable, '-c', READS_WANDB, str(file)]
    found: dict[str, float] = json.loads(subprocess.check_output(command, timeout=300))
    return {name: {2: value} for name, value in found.items()}


def mlflow(folder: Path) -> dict[str, dict[int, float]]:
    (pictures,) = folder.glob('mlruns/*/*/artifacts/images')
    assert [path for path in pictures.iterdir() if 'class_mix_debug~0+step+1+' in path.name]
    (metrics,) = folder.glob('mlruns/*/*/metrics')
    found: dict[str, dict[int, float]] = {}
    for file in metrics.iterdir():
        for line in file.read_text().splitlines():
            _, value, step = line.split()[:3]
            found.setdefault(file.name.replace('odd _name_', 'odd (name)'), {})[int(step)] = float(value)
    return found


READ: dict[str, Any] = {
    'TensorboardLoggerHook': tensorboard,
    'WandbLoggerHook': wandb,
    'MlflowLoggerHook': mlflow,
}


class Broken:
    """A tracker whose disk is full."""

    def __init__(self) -> None:
        self.asked = 0

    def numbers(self, iteration: int, values: Any) -> None:
        self.asked += 1
        raise OSError('no space left')

    def picture(self, iteration: int, name: str, picture: np.ndarray) -> None:
        raise OSError('no space left')

    def close(self) -> None:
        raise OSError('no space left')


def test_a_run_goes_on_without_a_tracker_that_fails(tmp_path: Path, logged: list[str]) -> None:
    broken = Broken()
    run = make_run(tmp_path, log_interval=2)
    run.hooks[0].writer = LogWriter(tmp_path / 'run.log.json', 'toy', [broken])  # type: ignore[attr-defined]
    run_loop(run)
    assert run.iteration == 6
    assert broken.asked == 1
    assert [text for text in logged if 'Broken gets nothing more' in text] == [
        'Broken gets nothing more of this run (no space left); the log files have it all.'
    ]
    assert len((tmp_path / 'run.log.json').read_text().splitlines()) == 3
