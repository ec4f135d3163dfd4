"""Two iterations of every combination on drawn scenes, on the CPU. Combinations that ran before are skipped."""

import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mmseg.config.files import configs_folder
from mmseg.engine.signals import Interrupted
from mmseg.errors import UserError
from mmseg.toolbox.experiments.jobs import LaunchOptions
from mmseg.toolbox.experiments.launch import run_experiment
from mmseg.toolbox.experiments.startup import FOLDER, prepare_scenes
from tests.startup.combinations import (
    Combination,
    Outcome,
    combinations,
    read_outcome,
    results_folder,
    write_outcome,
)

RESULTS = results_folder()

DRAWN = ('kaiming_uniform_', 'kaiming_normal_', 'trunc_normal_', 'normal_', 'uniform_')
"""Functions of ``torch.nn.init`` that networks use."""

pytestmark = [pytest.mark.startup, pytest.mark.slow]


@pytest.fixture(autouse=True)
def quick_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights from a small stock of random numbers: drawing 250 million anew takes as long as two iterations."""
    stock = torch.randn(2**18, generator=torch.Generator().manual_seed(0)) * 0.02

    def fill(tensor: Tensor, *_: object, **__: object) -> Tensor:
        with torch.no_grad():
            for part in tensor.view(-1).split(len(stock)):
                part.copy_(stock[: len(part)])
        return tensor

    for name in DRAWN:
        monkeypatch.setattr(nn.init, name, fill)


@pytest.fixture(scope='session')
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with the shipped configurations and the scenes."""
    folder = tmp_path_factory.mktemp('startup')
    (folder / 'configs').mkdir()
    for part in configs_folder().resolve().iterdir():
        if part.name != 'generated':
            (folder / 'configs' / part.name).symlink_to(part)
    prepare_scenes(folder / FOLDER)
    return folder


@pytest.mark.parametrize('item', combinations(), ids=lambda item: item.name)
def test_combination_starts(item: Combination, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = read_outcome(RESULTS, item.name)
    if earlier is not None and not earlier.error:
        pytest.skip(f'ran before in {earlier.cpu_seconds:.0f} s; remove {RESULTS} to run it again')
    monkeypatch.chdir(workspace)
    said: list[str] = []
    options = LaunchOptions(startup_test=True, builtin_data=True, only=(item.run,))
    began, began_cpu = time.perf_counter(), time.process_time()
    try:
        run_experiment(item.exp, options, said.append)
        error = ''
    except Interrupted:
        pytest.exit('stopped; call it again to go on', returncode=Interrupted.exit_code)
    except UserError:
        error = ' '.join(' '.join(said[-1:]).split())[-300:]
    write_outcome(
        RESULTS, Outcome(item.name, error, time.perf_counter() - began, time.process_time() - began_cpu)
    )
    assert not error, '\n'.join(said)
    assert said[-1] == '1 of 1 runs finished.'
