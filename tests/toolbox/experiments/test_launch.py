"""Running a series: order, failures, stops."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.engine.signals import Interrupted, StopRequest
from mmseg.engine.work_folder import choose_work_dir
from mmseg.errors import DataError, UserError
from mmseg.processes import Stopped
from mmseg.toolbox.experiments import launch
from mmseg.toolbox.experiments.jobs import LaunchOptions, describe
from mmseg.toolbox.experiments.launch import plan_config, run_config, run_experiment
from mmseg.toolbox.reports.live import write_run_report

DEMO = Path('configs/demo/builtin_daformer.py')


class Trained:
    """Stands in for the training function: remembers the names, makes the work folder, fails where told."""

    def __init__(self, **failures: Exception) -> None:
        self.names: list[str] = []
        self.failures = failures

    def __call__(self, cfg: Any, resume: bool, look: Any, resume_command: str, report: Any) -> None:
        self.names.append(cfg.name)
        assert report is write_run_report
        assert Path(cfg.filename).name == f'{cfg.name}.json'  # under which it is kept in the work folder
        choose_work_dir(cfg).mkdir(parents=True, exist_ok=True)
        for part, error in self.failures.items():
            if part in cfg.name:
                raise error


@pytest.fixture
def said() -> list[str]:
    return []


def trained(monkeypatch: pytest.MonkeyPatch, **failures: Exception) -> Trained:
    stand_in = Trained(**failures)
    monkeypatch.setattr(launch, 'train', stand_in)
    return stand_in


def test_runs_follow_each_other(workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    stand_in = trained(monkeypatch)
    run_experiment('daformer-7', LaunchOptions(), said.append)
    assert [name[-8:-6] for name in stand_in.names] == ['s0', 's1', 's2']
    assert said[0].startswith('Run job ')
    assert said[-1] == '3 of 3 runs finished.'
    for name in stand_in.names:
        assert (Path('work_dirs/local-expdaformer-7') / name).is_dir()


def test_a_failure_is_reported_and_the_others_run(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    stand_in = trained(monkeypatch, s0_=DataError('no pictures in data/gta'), s1_=ZeroDivisionError())
    with pytest.raises(UserError, match='2 of 3 runs failed') as caught:
        run_experiment('daformer-7', LaunchOptions(command='python run --resume'), said.append)
    assert caught.value.exit_code == 1
    assert 'python run --resume' in str(caught.value)
    assert len(stand_in.names) == 3
    assert any('no pictures in data/gta' in line for line in said)
    assert any('ZeroDivisionError' in line for line in said)


def test_ctrl_c_ends_the_series_and_tells_how_to_go_on(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    stand_in = trained(monkeypatch, s1_=Interrupted('stopped'))
    with pytest.raises(Interrupted, match='python run --resume'):
        run_experiment('daformer-7', LaunchOptions(command='python run --resume'), said.append)
    assert len(stand_in.names) == 2


@pytest.mark.parametrize(
    ('files', 'what', 'kind'),
    [
        ([], 'before anything was to be saved', Stopped),
        (['iter_2.pth'], 'saving nothing since its last checkpoint', Stopped),
        (['iter_2.pth'], 'and saved', partial(Interrupted, 'stopped')),
        (['best_mIoU_iter_2.pth'], 'saving nothing since its last checkpoint', Stopped),
        ([], 'before anything was to be saved', partial(Interrupted, 'before the first step')),
    ],
)
def test_a_stop_says_what_is_kept(
    files: list[str],
    what: str,
    kind: Callable[[int], BaseException],
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
) -> None:
    def abort(cfg: Any, **_: Any) -> None:
        choose_work_dir(cfg).mkdir(parents=True)
        for name in files:
            (choose_work_dir(cfg) / name).touch()
        raise kind(signal.SIGINT)

    monkeypatch.setattr(launch, 'train', abort)
    with pytest.raises(Interrupted, match=f'was stopped by Ctrl-C {what}. To go on:\npython x') as caught:
        run_config(DEMO, LaunchOptions(command='python x'), said.append)
    assert caught.value.exit_code == 130


def test_startup_test_trains_seed_0_only_and_any_single_config(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    stand_in = trained(monkeypatch)
    run_experiment('daformer-7', LaunchOptions(startup_test=True), said.append)
    assert [name[-8:-6] for name in stand_in.names] == ['s0']
    assert len(list(Path('configs/generated/local-expdaformer-7-startup').iterdir())) == 3
    run_config(DEMO, LaunchOptions(startup_test=True, cfg_options={'seed': 1}), said.append)
    assert len(stand_in.names) == 2


def test_hooks_of_an_experiment_are_called_around_it(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    trained(monkeypatch)
    called: list[tuple[str, int]] = []
    monkeypatch.setattr(launch, '_call', lambda target, jobs, say: called.append((target, len(jobs))))
    run_experiment(0, LaunchOptions(), said.append)
    assert called == [
        ('mmseg.toolbox.experiments.demo:prepare', 2),
        ('mmseg.toolbox.experiments.demo:report', 2),
    ]


def test_finished_run_is_not_trained_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    stand_in = trained(monkeypatch)
    run_config(DEMO, LaunchOptions(), said.append)
    folder = next(Path('work_dirs').glob('*/*'))
    iters = plan_config(DEMO, LaunchOptions(cfg_options={'runner.max_iters': 5}))[0].config['runner'][
        'max_iters'
    ]
    torch.save({}, folder / f'iter_{iters}.pth')
    run_config(DEMO, LaunchOptions(resume=True, cfg_options={'runner.max_iters': 5}), said.append)
    assert len(stand_in.names) == 1
    assert 'This run is finished already.' in said


def test_dry_run_shows_names_or_json(workspace: Path) -> None:
    jobs = plan_config(DEMO, LaunchOptions())
    assert describe(jobs, as_json=False) == [jobs[0].name]
    assert '"_base_": ["demo/builtin_daformer.py"]' in describe(jobs, as_json=True)[0]
    assert not Path('configs/generated').exists()


def test_torchrun_is_used_for_several_gpus(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], _: StopRequest) -> int:
        commands.append(command)
        return 3

    monkeypatch.setattr('mmseg.toolbox.experiments.jobs.git_revision', lambda: 'unknown')
    monkeypatch.setattr(launch, '_run_child', run)
    with pytest.raises(UserError, match='1 of 1 runs failed'):
        run_config(DEMO, LaunchOptions(gpus=2, custom_imports=('json', 'own.parts')), said.append)
    assert '--nproc_per_node=2' in commands[0]
    assert commands[0][-3:] == ['--custom-imports', 'json', 'own.parts']
    program = next(Path(word) for word in commands[0] if word.endswith('train.py'))
    assert program.is_absolute()
    assert program.is_file()
    assert any('exit code 3' in line for line in said)
