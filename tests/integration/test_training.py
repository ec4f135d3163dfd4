"""Every method trains through the real run; a resumed run equals an uninterrupted one bit for bit."""

import functools
import json
import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.config import load_config
from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.hooks import LogHook
from mmseg.engine.loop import Run
from mmseg.engine.signals import Interrupted
from mmseg.engine.train import train
from tests.integration.hrda import tiny_hrda
from tests.integration.one_meaning_program import MASKS, STEPS, settings
from tests.integration.test_one_meaning import differences
from tests.integration.tiny import METHODS, tiny_config

pytestmark = pytest.mark.slow


def run(config: dict[str, Any], folder: Path, **options: Any) -> Run:
    return train(load_config(config), work_dir=folder, **options)


@pytest.fixture(scope='module')
def whole_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder of the six iterations of a method, trained once for all tests that look at them."""

    @functools.cache
    def trained(method: str, workers: int, precision: str) -> Path:
        folder = tmp_path_factory.mktemp('whole')
        run(six_iterations(tiny_data, method, workers, precision), folder)
        return folder

    return lambda method, workers, precision='fp32': trained(method, workers, precision)


def six_iterations(data: Path, method: str, workers: int, precision: str) -> dict[str, Any]:
    config = tiny_hrda(data) if method == 'hrda' else tiny_config(data, method)
    config['data']['workers_per_gpu'] = workers
    config['precision'] = precision
    return config


def log_lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(folder.glob('*.log.json'))
        for line in path.read_text().splitlines()
    ]


@pytest.mark.parametrize('method', METHODS)
def test_every_method_trains(method: str, tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data, method)
    config['runner']['max_iters'] = 4
    config['evaluation']['interval'] = 4
    done = run(config, tmp_path)
    losses = [
        value
        for line in log_lines(tmp_path)
        if line.get('mode') == 'train'
        for name, value in line.items()
        if 'loss' in name and not name.endswith('imnet_feat_dist')
    ]
    assert losses
    assert all(math.isfinite(value) for value in losses)
    scores = next(line for line in log_lines(tmp_path) if line.get('mode') == 'val')
    assert scores['iter'] == 4
    assert 0 <= scores['mIoU'] <= 1
    for name, parameter in done.trainable.named_parameters():
        frozen = name.startswith(('ema_model.', 'imnet_model.'))
        assert (parameter.grad is None) == frozen, name


def test_method_learns(tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data, 'source_only')
    config['runner']['max_iters'] = 40
    config['optimizer']['lr'] = 1e-3
    config['log_config']['interval'] = 10
    run(config, tmp_path, validate=False)
    losses = [line['decode.loss_seg'] for line in log_lines(tmp_path) if line.get('mode') == 'train']
    assert losses[-1] < 0.9 * losses[0]


def assert_equal(one: Any, other: Any, place: str = '') -> None:
    """Nested plain values and tensors are the same, bit for bit."""
    assert type(one) is type(other), place
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one:
            assert_equal(one[key], other[key], f'{place}.{key}')
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_equal(*pair, place=f'{place}.{number}')
    else:
        assert one == other, place


@pytest.mark.parametrize(
    ('method', 'workers', 'precision'),
    [
        ('daformer', 0, 'fp32'),
        ('daformer', 2, 'fp32'),
        ('daformer', 0, 'bf16'),
        ('dacs', 2, 'fp32'),
        ('source_only', 2, 'fp32'),
        ('hrda', 0, 'fp32'),
        ('advseg_masked', 0, 'fp32'),
    ],
)
def test_exact_resume(
    method: str, workers: int, precision: str, whole_run: Callable[..., Path], tiny_data: Path, tmp_path: Path
) -> None:
    whole, again = whole_run(method, workers, precision), tmp_path / 'again'
    again.mkdir()
    shutil.copy(whole / 'iter_3.pth', again)
    run(six_iterations(tiny_data, method, workers, precision), again, resume=True)
    reference, resumed = read_checkpoint(whole / 'iter_6.pth'), read_checkpoint(again / 'iter_6.pth')
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert_equal(reference[part], resumed[part], part)
    if method == 'daformer':
        teacher = 'ema_model.decode_head.conv_seg.weight'
        early = read_checkpoint(whole / 'iter_3.pth')['state_dict'][teacher]
        assert not torch.equal(early, resumed['state_dict'][teacher])
    if method == 'advseg_masked':
        assert resumed['training_state']['method']['discriminator_optimizer']['state']


def test_stopped_run_goes_on_exactly(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ctrl-C between two checkpoints, with loader processes that are ahead."""
    config = tiny_config(tiny_data, 'dacs')
    config['data']['workers_per_gpu'] = 2
    config['runner']['max_iters'] = 4
    config['checkpoint_config']['interval'] = 4
    run(config, tmp_path / 'whole', validate=False)

    def press(hook: LogHook, run: Run) -> None:
        if run.iteration == 2:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(LogHook, 'after_iteration', press)
        with pytest.raises(Interrupted, match='iteration 2'):
            run(config, tmp_path / 'again', validate=False)
    run(config, tmp_path / 'again', validate=False, resume=True)
    whole, again = (read_checkpoint(tmp_path / name / 'iter_4.pth') for name in ('whole', 'again'))
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert_equal(whole[part], again[part], part)


def test_workers_make_no_difference(whole_run: Callable[..., Path]) -> None:
    one, other = (whole_run('daformer', workers) for workers in (0, 2))
    assert one != other
    assert_equal(*(read_checkpoint(folder / 'iter_6.pth')['state_dict'] for folder in (one, other)))


@pytest.mark.parametrize('method', ['daformer', 'hrda'])
def test_activation_checkpointing_changes_no_bit(method: str, tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_hrda(tiny_data) if method == 'hrda' else tiny_config(tiny_data)
    config['runner']['max_iters'] = 2
    for name, twice in (('once', False), ('twice', True)):
        run({**config, 'activation_checkpointing': twice}, tmp_path / name, validate=False)
    one, other = (read_checkpoint(tmp_path / name / 'iter_2.pth') for name in ('once', 'twice'))
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert_equal(one[part], other[part], part)


@pytest.mark.parametrize('method', ['daformer', 'hrda', 'mic'])
def test_gradient_accumulation_is_the_larger_batch(method: str, tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_hrda(tiny_data) if method == 'hrda' else tiny_config(tiny_data)
    if method == 'mic':
        config['uda'] |= MASKS
    config['model']['backbone'] = {'type': 'mit_b0', 'drop_path_rate': 0.2}
    config['model']['decode_head'] |= {'in_channels': [32, 64, 160, 256]}
    config['model']['pretrained'] = None
    config = settings(config, 3)
    for portions in (1, 2):
        run({**config, 'gradient_accumulation': portions}, tmp_path / str(portions), validate=False)
    one, other = (read_checkpoint(tmp_path / str(portions) / f'iter_{STEPS}.pth') for portions in (1, 2))
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert not differences(one[part], other[part])[:20], part


def test_published_checkpoint_resumes(
    whole_run: Callable[..., Path], tiny_data: Path, tmp_path: Path
) -> None:
    config = tiny_config(tiny_data)
    contents = read_checkpoint(whole_run('daformer', 0) / 'iter_3.pth')
    del contents['training_state']
    path = tmp_path / 'published.pth'
    torch.save(contents, path)
    assert run(config, tmp_path / 'theirs', validate=False, resume_from=path).iteration == 6


def test_load_from_takes_weights_only(tiny_data: Path, tmp_path: Path) -> None:
    plain = tiny_config(tiny_data, 'source_only')
    plain['runner']['max_iters'] = 3
    run(plain, tmp_path / 'plain', validate=False)
    config = tiny_config(tiny_data, 'daformer')
    config['load_from'] = str(tmp_path / 'plain' / 'iter_3.pth')
    config['runner']['max_iters'] = 1
    done = run(config, tmp_path / 'adapted', validate=False)
    assert done.iteration == 1
    source = read_checkpoint(tmp_path / 'plain' / 'iter_3.pth')['state_dict']
    name = 'backbone.patch_embed1.proj.weight'
    change = (done.trainable.state_dict()[f'model.{name}'] - source[name]).abs().max()
    assert change < 1e-3


def test_checkpoint_has_the_published_layout(whole_run: Callable[..., Path]) -> None:
    contents = torch.load(whole_run('daformer', 0) / 'latest.pth', weights_only=True)
    assert list(contents)[:3] == ['meta', 'state_dict', 'optimizer']
    assert contents['meta']['iter'] == 6
    assert len(contents['meta']['CLASSES']) == 19
    prefixes = list(dict.fromkeys(key.split('.')[0] for key in contents['state_dict']))
    assert prefixes == ['model', 'ema_model', 'imnet_model']
    groups = contents['optimizer']['param_groups']
    assert len(groups) % 3 == 0
    assert len(contents['optimizer']['state']) == len(groups) // 3
