"""What a graphics card must show, and the same in a tiny form on the processor: `make test-gpu` runs the former."""

import copy
import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mmseg.batch import Batch
from mmseg.config.translate import Speed
from mmseg.engine.build import apply_speed_options
from mmseg.engine.optimizer import build_optimizer
from mmseg.registry import MODELS
from mmseg.uda.supervised import Supervised
from mmseg.uda.trainable import Trainable
from tests.gpu import gpu_marks
from tests.integration.one_meaning_program import STEPS
from tests.integration.test_one_meaning import train as train_processes
from tests.uda.networks import DISTANCE, MODEL, TWO_SCALES, small_batch

TOOLS = str(Path(__file__).resolve().parents[2] / 'tools')
DEVICES = ['cpu', pytest.param('cuda', marks=gpu_marks())]
MASKS = {
    'mask_mode': 'separatetrgaug', 'mask_lambda': 1,
    'mask_generator': {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8},
}  # fmt: skip
BANK = {'bank_size': 8, 'min_fill': 0.0}
SELF_TRAINING = {'type': 'DACS', 'pseudo_threshold': 0.3}
METHODS: dict[str, dict[str, Any]] = {
    'supervised': {'model': MODEL},
    'daformer': {**SELF_TRAINING, **DISTANCE, 'model': MODEL},
    'hrda': {**SELF_TRAINING, **DISTANCE, 'model': TWO_SCALES},
    'mic': {**SELF_TRAINING, **DISTANCE, **MASKS, 'mask_alpha': 0.9, 'model': TWO_SCALES},
    'dida': {**SELF_TRAINING, 'instance_bank': {**BANK, 'mode': 'published'}, 'model': MODEL},
    'dida_clean': {**SELF_TRAINING, 'instance_bank': {**BANK, 'mode': 'clean'}, 'model': TWO_SCALES},
    'thresholds by class': {**SELF_TRAINING, 'pseudo_weight': 'class', 'pseudo_flip': True, 'model': MODEL},
    'advseg': {'type': 'AdvSeg', 'lambda_adv_target': {'main': 0.1}, 'model': MODEL},
    'minent': {'type': 'MinEnt', 'lambda_ent': {'main': 0.1}, **MASKS, 'model': MODEL},
}
SIZE = (64, 64)


def build(name: str, device: str, **speed: Any) -> Trainable:
    """A small method with reproducible weights."""
    torch.manual_seed(0)
    config = METHODS[name]
    method: Trainable
    if name == 'supervised':
        method = Supervised(MODELS.build(copy.deepcopy(config['model'])))
    else:
        method = MODELS.build({'max_iters': 100, **copy.deepcopy(config)})
    method.init_weights()
    return apply_speed_options(method, Speed(**speed), torch.device(device))


def batches(device: str, count: int) -> list[Batch]:
    """Random images, on the device."""
    return [
        {
            key: value.to(device) if isinstance(value, Tensor) else value
            for key, value in small_batch(2, SIZE, i).items()
        }
        for i in range(count)
    ]  # type: ignore[misc]


def train(method: Trainable, device: str, count: int, precision: str = 'fp32') -> list[dict[str, float]]:
    """Logs of steps."""
    torch.manual_seed(0)
    wrapper = build_optimizer(method, {'type': 'AdamW', 'lr': 1e-3}, precision=precision)
    method.train()
    logs = [method.train_step(batch, wrapper) for batch in batches(device, count)]
    return [{name: float(value) for name, value in log.items()} for log in logs]


@contextmanager
def nothing_waits_on_a_card(name: str) -> Iterator[None]:
    """torch raises where the host would wait."""
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


ON_THE_PROCESSOR = {
    'advseg': '_local_scalar_dense',  # Adam's count of steps, which the host keeps on any device
    'dida_clean': 'nonzero',  # pixels without weight are left out of tiles; on a card they are not asked for
}
"""What is asked for there that a card is not asked for."""


@contextmanager
def nothing_would_wait(name: str) -> Iterator[None]:
    """Operations on the processor whose result a host would have to wait for are counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        counts = importlib.import_module('benchmarks.counts')
    with counts.Count() as count:
        yield
    del count.waited_for[ON_THE_PROCESSOR.get(name, '')]
    assert count.waits == 0


WATCHES: dict[str, Callable[[str], AbstractContextManager[None]]] = {
    'cpu': nothing_would_wait,
    'cuda': nothing_waits_on_a_card,
}


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('name', METHODS)
def test_a_step_never_waits(name: str, device: str) -> None:
    method = build(name, device)
    wrapper = build_optimizer(method, {'type': 'AdamW', 'lr': 1e-3})
    method.train()
    first, *others = batches(device, 4)
    method.train_step(first, wrapper)
    with WATCHES[device](name):
        for batch in others:
            method.train_step(batch, wrapper)


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('precision', ['bf16', 'fp16'])
@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('name', METHODS)
def test_speed_options_change_only_rounding(
    name: str, channels_last: bool, precision: str, device: str
) -> None:
    if (precision, device) == ('fp16', 'cpu'):
        precision = 'fp32'  # which leaves the layout; loss scaling needs a card, see test_build.py
    plain, fast = build(name, device), build(name, device, precision=precision, channels_last=channels_last)
    wanted, found = train(plain, device, 2), train(fast, device, 2, precision)
    for ours, theirs in zip(found, wanted, strict=True):
        for key, value in theirs.items():
            if 'loss' in key and 'instance' not in key:
                assert ours[key] == pytest.approx(value, rel=0.05, abs=1e-3), key


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('name', ['supervised', 'mic', 'dida_clean', 'advseg'])
def test_a_run_goes_on_in_another_layout_precision_and_place(name: str, device: str, tmp_path: Path) -> None:
    """From channels last in 16 bits on the device to the usual layout in 32 bits on the processor."""
    fast = build(name, device, precision='bf16', channels_last=True)
    wrapper = build_optimizer(fast, {'type': 'AdamW', 'lr': 1e-3})
    fast.train()
    first, second, third = batches(device, 3)
    fast.train_step(first, wrapper)
    fast.train_step(second, wrapper)
    parts = [fast.state_dict(), fast.training_state(), wrapper.state_dict()]
    torch.save(parts, tmp_path / 'run.pth')
    weights, state, moments = torch.load(tmp_path / 'run.pth', map_location='cpu', weights_only=False)
    plain = build(name, 'cpu')
    plain.load_state_dict(weights)
    plain.load_training_state(state)
    resumed = build_optimizer(plain, {'type': 'AdamW', 'lr': 1e-3})
    resumed.load_state_dict(moments)
    plain.train()
    torch.manual_seed(1)
    found = plain.train_step(batches('cpu', 3)[2], resumed)
    torch.manual_seed(1)
    wanted = fast.train_step(third, wrapper)
    for key, value in wanted.items():
        if 'loss' in key and 'instance' not in key:
            torch.testing.assert_close(found[key], value.cpu(), rtol=0.05, atol=1e-3)


@pytest.mark.parametrize('cards', [pytest.param(2, marks=gpu_marks(2))])
@pytest.mark.timeout(600)
def test_two_cards_train_what_one_does(cards: int, tiny_data: Path, tmp_path: Path) -> None:
    """Weights within a hundredth after three steps: kernels of a card add in another order each time."""
    for name, processes in (('one', 1), ('several', cards)):
        train_processes(tmp_path / name, tiny_data, processes, 2 // processes, ['daformer'])
    one, several = (
        torch.load(tmp_path / name / 'daformer' / f'iter_{STEPS}.pth', weights_only=True)['state_dict']
        for name in ('one', 'several')
    )
    for key, value in one.items():
        torch.testing.assert_close(several[key].float(), value.float(), rtol=0.01, atol=1e-3, msg=key)
