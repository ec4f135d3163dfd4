"""The loop: resume, logs, checkpoints, stopping."""

import json
import math
import os
import re
import signal
from pathlib import Path

import pytest
import torch

from mmseg.engine.checkpoint import LATEST, find_latest, read_checkpoint, write_checkpoint
from mmseg.engine.evaluate import Abandoned
from mmseg.engine.hooks import EvaluationHook, change_table
from mmseg.engine.log import LogWriter
from mmseg.engine.log_window import MetricWindow
from mmseg.engine.loop import Hook, Run, run_loop, seed_step
from mmseg.engine.state import restore
from mmseg.errors import CheckpointError, TrainingError
from tests.engine.fakes import make_run, weights


def resumed(folder: Path, path: Path) -> Run:
    run = make_run(folder)
    restore(run, read_checkpoint(path), str(path))
    return run


def test_six_steps_equal_three_and_three(tmp_path: Path) -> None:
    whole = make_run(tmp_path / 'whole', log_interval=2)
    (tmp_path / 'whole').mkdir()
    run_loop(whole)
    half = make_run(tmp_path, checkpoint_interval=3)
    run_loop(half)
    second = resumed(tmp_path, tmp_path / 'iter_3.pth')
    assert second.iteration == 3
    run_loop(second)
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(second)[name]), name
    moments = read_checkpoint(tmp_path / 'iter_6.pth')['optimizer']['state']
    reference = read_checkpoint(tmp_path / 'whole' / 'iter_6.pth')['optimizer']['state']
    assert all(torch.equal(moments[i]['exp_avg_sq'], reference[i]['exp_avg_sq']) for i in reference)


def test_checkpoint_contents_and_links(tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoint_interval=2)
    run.hooks[-1].keep = 1
    run.meta = {'CLASSES': ('a', 'b'), 'seed': 0}
    run_loop(run)
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == ['iter_6.pth', LATEST]
    assert os.readlink(tmp_path / LATEST) == 'iter_6.pth'
    assert (tmp_path / 'last_checkpoint').read_text().strip() == 'iter_6.pth'
    assert find_latest(tmp_path).name == 'iter_6.pth'
    contents = read_checkpoint(tmp_path / LATEST)
    assert contents['meta']['iter'] == 6
    assert contents['meta']['CLASSES'] == ('a', 'b')
    assert list(contents['state_dict']) == list(run.trainable.state_dict())


def test_log_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level('INFO', 'mmseg')
    run_loop(make_run(tmp_path, log_interval=2, max_iters=5))
    lines = [json.loads(line) for line in (tmp_path / 'run.log.json').read_text().splitlines()]
    assert [line['iter'] for line in lines] == [2, 4, 5]
    keys = ['mode', 'epoch', 'iter', 'lr', 'data_time', 'decode.loss_seg', 'decode.acc_seg', 'time']
    assert [key for key in lines[0] if key != 'memory'] == keys
    assert all(value == round(value, 5) for value in lines[0].values() if isinstance(value, float))
    text = next(record.getMessage() for record in caplog.records if 'Iter [2/5]' in record.getMessage())
    assert text.startswith('Iter [2/5]\tlr: 8.000e-03, eta: 0:00:0')
    assert re.search(r', time: [.\d]+, data_time: [.\d]+, waiting for data: \d+ %, ', text)
    assert 'decode.loss_seg: ' in text


def test_nan_names_the_term_and_the_iteration(tmp_path: Path) -> None:
    run = make_run(tmp_path, log_interval=4)
    run.trainable.poison_at = 2
    with pytest.raises(TrainingError, match=r'decode\.loss_seg is nan at iteration 3'):
        run_loop(run)


def test_nan_is_not_saved(tmp_path: Path) -> None:
    run = make_run(tmp_path, log_interval=50, checkpoint_interval=1)
    run.trainable.poison_at = 2
    with pytest.raises(TrainingError, match=r'decode\.loss_seg'):
        run_loop(run)
    assert sorted(path.name for path in tmp_path.glob('iter_*.pth')) == ['iter_1.pth', 'iter_2.pth']


def test_window_leaves_out_what_is_not_finite() -> None:
    window = MetricWindow(torch.device('cpu'))
    for number, value in enumerate((1.0, math.nan, 3.0), start=1):
        values = {'decode.loss_seg': torch.tensor(value), 'decode.acc_seg': torch.tensor(2.0)}
        window.add(number, values, torch.tensor([float(math.isnan(value)), 0, 0, 0]), ['a.png'])
    assert [(step.iteration, step.flags[0], step.files) for step in window.read()] == [
        (1, 0.0, ('a.png',)), (2, 1.0, ('a.png',)), (3, 0.0, ('a.png',))
    ]  # fmt: skip
    assert window.read() == []
    assert len(window) == 3
    assert window.flush() == {'decode.loss_seg': 2.0, 'decode.acc_seg': 2.0}
    assert window.flush() == {}
    window.add(4, {'decode.loss_seg': torch.tensor(math.inf)})
    assert math.isnan(window.flush()['decode.loss_seg'])


class Stop(Hook):
    """Sends this process a signal after an iteration."""

    def __init__(self, iteration: int, times: int = 1) -> None:
        self.iteration = iteration
        self.times = times

    def after_iteration(self, run: Run) -> None:
        if run.iteration == self.iteration:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


def test_first_ctrl_c_saves(tmp_path: Path) -> None:
    run = make_run(tmp_path, extra=[Stop(2)])
    run_loop(run)
    assert run.stopped
    assert run.iteration == 2
    assert find_latest(tmp_path).name == 'iter_2.pth'
    second = resumed(tmp_path, find_latest(tmp_path))
    run_loop(second)
    whole = make_run(tmp_path)
    run_loop(whole)
    assert all(torch.equal(value, weights(second)[name]) for name, value in weights(whole).items())


def test_what_fails_at_the_end_does_not_keep_from_saving(tmp_path: Path) -> None:
    class Failing(Hook):
        def after_run(self, run: Run) -> None:
            raise OSError('no room for a picture')

    with pytest.raises(OSError, match='no room for a picture'):
        run_loop(make_run(tmp_path, extra=[Stop(2), Failing()]))
    assert find_latest(tmp_path).name == 'iter_2.pth'


def test_second_ctrl_c_aborts(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_loop(make_run(tmp_path, extra=[Stop(2, times=2)]))
    assert signal.getsignal(signal.SIGINT) is before


def test_evaluation_remembers_last_and_best(tmp_path: Path) -> None:
    results = iter([0.3, 0.5, 0.4])
    hook = EvaluationHook(lambda run: ({'IoU.road': 0.9, 'mIoU': next(results)}, 'table'), LogWriter(None), 2)
    run = make_run(tmp_path, extra=[hook])
    run_loop(run)
    assert run.memory['last_scores']['mIoU'] == 0.4
    assert run.memory['best_scores']['mIoU'] == 0.5
    assert resumed(tmp_path, tmp_path / 'iter_6.pth').memory == run.memory


def test_abandoned_evaluation_is_made_up_for(tmp_path: Path) -> None:
    calls = []

    def evaluate(run: Run) -> tuple[dict[str, float], str]:
        calls.append(run.iteration)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            raise Abandoned
        return {'IoU.road': 0.5, 'mIoU': 0.5}, 'table'

    hook = EvaluationHook(evaluate, LogWriter(None), 3)
    run_loop(make_run(tmp_path, extra=[hook]))
    assert find_latest(tmp_path).name == 'iter_3.pth'
    hook.writer = LogWriter(tmp_path / 'log.json')
    second = make_run(tmp_path, extra=[hook])
    restore(second, read_checkpoint(tmp_path / 'iter_3.pth'), 'iter_3.pth')
    run_loop(second)
    assert calls == [3, 3, 6]
    assert 'evaluation_missing' not in second.memory
    whole = make_run(
        tmp_path / 'whole', extra=[EvaluationHook(evaluate, LogWriter(tmp_path / 'whole.json'), 3)]
    )
    (tmp_path / 'whole').mkdir()
    run_loop(whole)
    assert (tmp_path / 'log.json').read_text() == (tmp_path / 'whole.json').read_text(), 'rates, too'


def test_full_disk_under_the_log(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match='the log cannot be written'):
        LogWriter(Path('/dev/full')).meta({'seed': 0})


def test_change_table() -> None:
    table = change_table(
        {'IoU.road': 0.5, 'mIoU': 0.5}, {'IoU.road': 0.4, 'mIoU': 0.6}, {'IoU.road': 0.7, 'mIoU': 0.6}
    )
    row = next(line for line in table.splitlines() if 'road' in line)
    assert [cell.strip() for cell in row.strip('|').split('|')] == ['road', '50.00', '+10.00', '-20.00']
    first = change_table({'IoU.road': math.nan, 'mIoU': 0.5}, {}, {})
    row = next(line for line in first.splitlines() if 'road' in line)
    assert [cell.strip() for cell in row.strip('|').split('|')] == ['road', '-', '-', '-']


def test_damaged_checkpoint(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run_loop(run)
    path = tmp_path / 'iter_6.pth'
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r'iter_6\.pth'):
        read_checkpoint(path)
    torch.save({'state_dict': {}}, path)
    with pytest.raises(CheckpointError, match='optimizer'):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match='nothing to resume'):
        find_latest(tmp_path / 'elsewhere')


@pytest.mark.parametrize(
    'error', [OSError(28, 'No space left on device'), RuntimeError('failed writing file')]
)
def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(contents: object, path: Path) -> None:
        Path(path).write_bytes(b'half')
        raise error

    monkeypatch.setattr(torch, 'save', fail)
    with pytest.raises(TrainingError, match=r'iter_1\.pth'):
        write_checkpoint(tmp_path / 'iter_1.pth', {})
    assert list(tmp_path.iterdir()) == []


def test_step_seeds_differ() -> None:
    draws = []
    for seed, iteration in ((0, 0), (0, 1), (1, 0), (0, 0)):
        seed_step(seed, iteration)
        draws.append(torch.rand(1).item())
    assert len(set(draws)) == 3
    assert draws[0] == draws[3]


def logged(folder: Path, after: int = 0) -> list[dict[str, object]]:
    """Training lines without what a clock tells."""
    path = folder / 'run.log.json'
    written = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    lines = [json.loads(line) for line in written]
    return [
        {key: value for key, value in line.items() if key not in ('time', 'data_time', 'memory')}
        for line in lines
        if line.get('mode') == 'train' and line['iter'] > after
    ]


@pytest.mark.parametrize('last', [4, 7, 8, 11])
def test_logs_of_a_resumed_run_are_those_of_a_whole_one(tmp_path: Path, last: int) -> None:
    """Lines of five iterations, stops in between: the window goes on where it was saved."""

    class Stop(Hook):
        def after_iteration(self, run: Run) -> None:
            if run.iteration == last:
                run.stop.number = signal.SIGTERM

    folders = [tmp_path / name for name in ('whole', 'stopped', 'resumed')]
    for folder in folders:
        folder.mkdir()
    whole, stopped, resumed = (
        make_run(folder, 13, extra, log_interval=5)
        for folder, extra in zip(folders, ([], [Stop()], []), strict=True)
    )
    run_loop(whole)
    run_loop(stopped)
    assert stopped.iteration == last
    restore(resumed, read_checkpoint(folders[1] / f'iter_{last}.pth'), 'iter.pth')
    run_loop(resumed)
    assert logged(folders[1]) + logged(folders[2]) == logged(folders[0])
    assert [line['iter'] for line in logged(folders[0])] == [5, 10, 13]
