"""Whatever stops being finite: the run stops before it is saved, says what it was, and keeps what repeats it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.finite import SKIPPED, not_finite
from mmseg.engine.loop import Run, one_step, run_loop
from mmseg.engine.state import collect, restore
from mmseg.errors import TrainingError
from tests.engine.injection import AT, LASTING, OPTIMIZER, UNDONE, Injection, injected_run

PARTS = ('state_dict', 'optimizer', 'training_state')


def equal(one: Any, other: Any) -> bool:
    """Nested values are the same, bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def stopped(run: Run) -> str:
    with pytest.raises(TrainingError) as error:
        run_loop(run)
    return str(error.value)


def evolving(contents: dict[str, Any]) -> dict[str, Any]:
    """What a step changes, without what only counts: iterations, steps left out, the host's steps of Adam, scale."""
    method = {k: v for k, v in contents['training_state']['method'].items() if k != 'iteration'}
    if 'discriminator_optimizer' in method:
        states = method.pop('discriminator_optimizer')['state'].values()
        method['moments'] = [(state['exp_avg'], state['exp_avg_sq']) for state in states]
    return {'weights': contents['state_dict'], 'moments': contents['optimizer']['state'], 'method': method}


@pytest.mark.parametrize('name', [*UNDONE, *LASTING])
def test_nothing_that_is_not_finite_is_saved(name: str, tmp_path: Path) -> None:
    injection = {**UNDONE, **LASTING}[name]
    run = injected_run(tmp_path, injection)
    message = stopped(run)
    saved = sorted(tmp_path.glob('*.pth'))
    assert all(not_finite(read_checkpoint(path), run) is None for path in saved)
    first = AT if name in UNDONE or name.endswith('beyond float32') else AT - 1
    assert (tmp_path / f'iter_{first - 1}.pth').is_file(), 'the last good file is gone'
    assert not (tmp_path / f'iter_{first}.pth').exists()
    assert f'at iteration {first};' in message
    assert re.search(injection.names, message)
    record = json.loads((tmp_path / f'nonfinite_iter_{first}.json').read_text())
    assert record['iteration'] == first
    assert f'source_{first}.png, source_{first}.png, target_{first}.png' in message
    assert record['files'][0] == f'source_{first}.png'


@pytest.mark.parametrize('name', UNDONE)
def test_what_is_kept_is_the_state_before_the_step(name: str, tmp_path: Path) -> None:
    run = injected_run(tmp_path, UNDONE[name], checkpoint_interval=2, max_iters=6)
    stopped(run)
    before, kept = (read_checkpoint(tmp_path / f) for f in ('iter_2.pth', f'nonfinite_iter_{AT}.pth'))
    assert equal(evolving(before), evolving(kept))
    assert kept['training_state']['method']['iteration'] == AT - 1
    assert (
        json.loads((tmp_path / f'nonfinite_iter_{AT}.json').read_text())['state']
        == f'nonfinite_iter_{AT}.pth'
    )


@pytest.mark.parametrize('name', UNDONE)
def test_a_step_left_out_leaves_everything(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {'nan_policy': 'skip', 'max_keep_ckpts': -1}
    run = injected_run(tmp_path, UNDONE[name], **options)
    run_loop(run)
    before, after = (read_checkpoint(tmp_path / f'iter_{n}.pth') for n in (AT - 1, AT))
    assert equal(evolving(before), evolving(after))
    assert run.memory[SKIPPED] == 1
    last = read_checkpoint(tmp_path / 'iter_5.pth')
    assert not equal(evolving(after)['weights'], evolving(last)['weights'])
    assert not_finite(last, run) is None
    (warning,) = [r.getMessage() for r in caplog.records if 'left out' in r.getMessage()]
    assert f'Iteration {AT} was left out (number 1 of at most 10)' in warning
    assert f'source_{AT}.png' in warning

    again = injected_run(tmp_path / 'again', UNDONE[name], **options)
    restore(again, read_checkpoint(tmp_path / f'iter_{AT - 1}.pth'), '')
    run_loop(again)
    resumed = read_checkpoint(tmp_path / 'again' / 'iter_5.pth')
    assert all(equal(last[part], resumed[part]) for part in PARTS)


def test_the_step_is_named_that_made_a_moment_overflow(tmp_path: Path) -> None:
    """Not the step after which a log line or a checkpoint has looked at it."""
    injection = LASTING['moment beyond float32']
    run = injected_run(tmp_path, injection, max_iters=9, log_interval=4, checkpoint_interval=0)
    assert f'at iteration {AT};' in stopped(run)


@pytest.mark.parametrize('name', ['source pixel nan', 'weight beyond float32', 'moment'])
def test_a_log_line_finds_it_without_a_checkpoint(name: str, tmp_path: Path) -> None:
    injection = {**UNDONE, **LASTING}[name]
    run = injected_run(tmp_path, injection, max_iters=9, log_interval=4, checkpoint_interval=0)
    assert re.search(injection.names, stopped(run))
    assert run.work_dir.joinpath('run.log.json').exists() is False


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
@pytest.mark.parametrize('optimizer', [OPTIMIZER, {'type': 'SGD', 'lr': 1e-2, 'momentum': 0.9}])
def test_a_first_step_left_out_leaves_no_moments(
    optimizer: dict[str, Any], precision: str, tmp_path: Path
) -> None:
    """A fused SGD that leaves out its first step would keep a momentum that nobody has set."""
    options = {'optimizer': optimizer, 'precision': precision, 'nan_policy': 'skip'}
    states = []
    for wrong in (True, False):
        run = injected_run(tmp_path, Injection('supervised', '', settings=options))
        run.trainable.train()
        first, second = list(run.batches(0))[:2]
        if wrong:
            first['img'][0, 0, 0, 0] = torch.nan
            one_step(run, first)
            assert all(not v.any() for s in run.optimizer.optimizer.state.values() for v in s.values())
        run.trainable.iteration = 1
        one_step(run, second)
        states.append(collect(run))
    assert equal(*(state['optimizer']['state'] for state in states))


def test_skipping_has_a_limit(tmp_path: Path) -> None:
    run = injected_run(tmp_path, UNDONE['source pixel nan'], nan_policy='skip', nan_limit=0)
    message = stopped(run)
    assert message.startswith(f'more than 0 steps left out: decode.loss_seg is nan at iteration {AT};')
    assert sorted(path.name for path in tmp_path.glob('*iter*.pth')) == ['iter_2.pth', 'nonfinite_iter_3.pth']


def test_skipped_steps_are_counted_over_a_resume(tmp_path: Path) -> None:
    options = {'nan_policy': 'skip', 'nan_limit': 1, 'max_keep_ckpts': -1}
    run_loop(injected_run(tmp_path, UNDONE['source pixel nan'], **options))
    second = injected_run(tmp_path, UNDONE['source pixel nan'], **options)
    contents = read_checkpoint(tmp_path / f'iter_{AT}.pth')
    contents['training_state']['method']['iteration'] = AT - 1
    restore(second, contents, '')
    assert 'more than 1 steps' in stopped(second)


def test_the_log_of_a_skipped_step_has_finite_means(tmp_path: Path) -> None:
    run = injected_run(tmp_path, UNDONE['source pixel nan'], nan_policy='skip', log_interval=5)
    run_loop(run)
    (line,) = [json.loads(line) for line in (tmp_path / 'run.log.json').read_text().splitlines()]
    assert all(value == value for value in line.values())


def test_overflow_under_loss_scaling_is_no_error(tmp_path: Path) -> None:
    injection = UNDONE['gradient of the encoder']
    fp16 = Injection(injection.method, '', injection.prepare, settings={'precision': 'fp16'})
    run = injected_run(tmp_path, fp16, max_keep_ckpts=-1)
    run_loop(run)
    before, after = (read_checkpoint(tmp_path / f'iter_{n}.pth') for n in (AT - 1, AT))
    assert equal(evolving(before)['moments'], evolving(after)['moments'])
    assert after['optimizer']['loss_scaler']['scale'] == before['optimizer']['loss_scaler']['scale'] / 2


def test_overflow_at_every_scale_is_an_error(tmp_path: Path) -> None:
    def always(trainable: Any) -> None:
        trainable.model.backbone.first[0].weight.register_hook(lambda value: value * float('nan'))

    run = injected_run(tmp_path, Injection('dacs', '', always, settings={'precision': 'fp16'}), max_iters=20)
    assert 'overflow float16 whatever the loss is scaled by at iteration 17;' in stopped(run)


def test_an_optimizer_that_is_not_fused(tmp_path: Path) -> None:
    run = injected_run(tmp_path, UNDONE['source pixel nan'], nan_policy='skip', max_keep_ckpts=-1)
    for group in run.optimizer.optimizer.param_groups:
        group['fused'] = False
    run.optimizer.optimizer._step_supports_amp_scaling = False
    run_loop(run)
    before, after = (read_checkpoint(tmp_path / f'iter_{n}.pth') for n in (AT - 1, AT))
    assert equal(evolving(before), evolving(after))


def test_the_command_names_modules_that_data_may_not(tmp_path: Path) -> None:
    run = injected_run(tmp_path, UNDONE['source pixel nan'])
    run.modules = ['own.parts', 'more']
    assert f'"python tools/replay_batch.py {tmp_path} --custom-imports own.parts more" repeats' in stopped(
        run
    )


def test_a_full_disk_does_not_hide_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = injected_run(tmp_path, UNDONE['source pixel nan'], checkpoint_interval=10)
    monkeypatch.setattr(torch, 'save', lambda *arguments: (_ for _ in ()).throw(OSError(28, 'No space left')))
    assert 'decode.loss_seg is nan' in stopped(run)
