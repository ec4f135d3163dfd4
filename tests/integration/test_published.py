"""Published work folders: the configuration as JSON beside a checkpoint in each of the published forms.

Weights are filled by the documented recipe at the stored keys and shapes
(tests/parity/cases/README.md#state-dict-keys), configurations are the stored resolved ones
(tests/parity/cases/README.md#experiment-tables). The teacher's bias prefers one class, so that its predictions are
known.
"""

import json
import lzma
import pickle
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from mmseg.config import load_config
from mmseg.config.files import configs_folder
from mmseg.datasets import build_dataset
from mmseg.models import build_segmentor
from tests.integration.programs import run_tool
from tests.parity.recipe import fill
from tests.shared import reference_path

pytestmark = pytest.mark.slow

State = dict[str, torch.Tensor]
TEACHERS_CLASS = 7


class Published(NamedTuple):
    """A released run: stored configuration, keys of its checkpoint, the form it was released in."""

    project: str
    exp: str
    part: str
    keys: str
    form: Callable[[State], Any]


def full(state: State) -> Any:
    """What training leaves: three networks, facts about the run, the optimizer."""
    group = {'lr': 6e-5, 'initial_lr': 6e-5, 'betas': (0.9, 0.999), 'params': [0]}
    moments = {'step': 40000, 'exp_avg': torch.zeros(3), 'exp_avg_sq': torch.zeros(3)}
    meta = {
        'mmseg_version': '0.16.0+1234567',
        'iter': 40000,
        'epoch': 1,
        'seed': 0,
        'config': 'model = dict()\n',
    }
    return {'meta': meta, 'state_dict': state, 'optimizer': {'state': {0: moments}, 'param_groups': [group]}}


def stripped(state: State) -> Any:
    """What publish_model leaves: the student alone, under its prefix."""
    return {'state_dict': {key: value for key, value in state.items() if key.startswith('model.')}}


def parallel(state: State) -> Any:
    """Saved from inside a wrapper for several GPUs, without facts."""
    return {'state_dict': {f'module.{key}': value for key, value in state.items()}}


def flat(state: State) -> Any:
    """The tensors themselves."""
    return state


RUNS = {
    'daformer': Published('dida', '7', '', 'uda_dacs_fdthings_daformer_sepaspp_mitb5', full),
    'hrda': Published('hrda', '40', '', 'uda_hrda_dacs_daformer_sepaspp_mitb5', stripped),
    'dida': Published('dida', '7', '', 'uda_dida_daformer_sepaspp_mitb5', parallel),
    'mic': Published('mic', '80', 'spta', 'uda_mic_hrda_daformer_sepaspp_mitb5', full),
    'deeplab': Published('daformer', '1', 'dacs_dlv2red', 'segmentor_dlv2red_r101v1c', flat),
}
"""The configuration of DIDA is DAFormer's: the bank is an option of the program."""


@cache
def stored_configs() -> dict[str, Any]:
    with lzma.open(reference_path('experiments/resolved.json.xz'), 'rt') as stream:
        return json.load(stream)


def config_of(run: Published) -> dict[str, Any]:
    found = stored_configs()[run.project][run.exp]
    return next(config for name, config in found.items() if run.part in name)


def filled(keys: str) -> State:
    """The state dict of a training object, the frozen networks sharing the student's tensors to save time."""
    state: State = {}
    for key, shape in json.loads(reference_path(f'keys/{keys}.json').read_text()):
        student = key.replace('imnet_model.', 'model.').replace('ema_model.', 'model.')
        state[key] = state[student] if student in state else fill(key, shape)
    bias = 'ema_model.decode_head.conv_seg.bias'
    for name in (bias, bias.replace('.conv_seg', '.head.conv_seg')):
        if name in state:
            state[name] = state[name] + 1e4 * torch.eye(19)[TEACHERS_CLASS]
    return state


@pytest.fixture
def picture(tiny_data: Path, tmp_path: Path) -> Path:
    """Cityscapes with one validation picture."""
    first = sorted((tiny_data / 'cityscapes/leftImg8bit/val').rglob('*.png'))[0]
    for path in (first, *(tiny_data / 'cityscapes/gtFine/val').rglob(f'{first.name[:-16]}*')):
        target = tmp_path / 'cityscapes' / path.relative_to(tiny_data / 'cityscapes')
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return tmp_path / 'cityscapes'


def tiny_pictures(data: Path) -> list[str]:
    """Options that put 128 x 64 pixels in the place of 2048 x 1024."""
    sizes = ['data.test.pipeline.1.img_scale=(128,64)', 'data.workers_per_gpu=0']
    return ['--cfg-options', f'data.test.data_root={data}/', *sizes]


def predict(config: dict[str, Any], state: State, options: list[str]) -> np.ndarray:
    """The class map of the first test picture without loading code: built without memory, tensors put in place."""
    cfg = load_config(config, options)
    with torch.device('meta'):
        network = build_segmentor({**cfg.to_dict()['model'], 'pretrained': None})
    state = {key.removeprefix('model.'): value for key, value in state.items()}
    network.load_state_dict({key: state[key] for key in network.state_dict()}, assign=True)
    sample = build_dataset({**cfg.to_dict()['data']['test'], 'test_mode': True})[0]
    return network.eval().simple_test(sample['img'][0][None], [sample['img_metas'][0]])[0]


@pytest.mark.parametrize('name', RUNS)
def test_published_folder(
    name: str, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = RUNS[name]
    config, state = config_of(run), filled(run.keys)
    (tmp_path / f'{name}.json').write_text(json.dumps(config))
    torch.save(run.form(state), tmp_path / 'latest.pth')
    call = [
        'test',
        tmp_path / f'{name}.json',
        tmp_path / 'latest.pth',
        '--eval',
        'mIoU',
        '--out',
        tmp_path / 'x.pkl',
    ]
    options = tiny_pictures(picture)
    assert run_tool(monkeypatch, *call, *options) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert 'per class results:' in said
    assert 'missing' not in said
    (label_map,) = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301  # written by the program
    assert np.array_equal(label_map, predict(config, state, options[1:]))
    assert len(np.unique(label_map)) > 1
    if run.form in (full, parallel):
        assert run_tool(monkeypatch, *call, *options, '--network', 'teacher') == 0, capsys.readouterr().err
        (label_map,) = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301
        assert np.unique(label_map).tolist() == [TEACHERS_CLASS]
    else:
        assert run_tool(monkeypatch, *call, *options, '--network', 'teacher') == 1
        assert 'has no teacher' in capsys.readouterr().err


def test_old_configuration_trains(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """One iteration of a released configuration with ``_base_``, on small crops and a small encoder."""
    (tmp_path / '_base_').symlink_to(configs_folder().resolve() / '_base_')
    stored = json.loads(reference_path('experiments/daformer.json').read_text())
    config = tmp_path / 'released.json'
    config.write_text(json.dumps(stored['7'][0]))
    steps = ['2.img_scale=(128,64)', '3.crop_size=(64,64)', '6.size=(64,64)']
    small = [f'data.train.{side}.pipeline.{step}' for side in ('source', 'target') for step in steps]
    roots = [
        f'data.train.source.data_root={tiny_data}/synthia/',
        f'data.train.target.data_root={tiny_data}/cityscapes/',
    ]
    encoder = [
        'model.backbone.type=mit_b0',
        'model.decode_head.in_channels=[32,64,160,256]',
        'model.pretrained=None',
    ]
    sampling = ['data.train.rare_class_sampling.min_pixels=5', 'data.workers_per_gpu=0']
    options = [*small, *roots, *encoder, *sampling, 'runner.max_iters=1', 'log_config.interval=1']
    call = ['train', config, '--work-dir', tmp_path / 'run', '--no-validate', '--cfg-options', *options]
    assert run_tool(monkeypatch, *call) == 0, capsys.readouterr().err
    assert 'decode.loss_seg' in capsys.readouterr().out
    assert (tmp_path / 'run' / 'released.json').is_file()
    assert (tmp_path / 'run' / 'latest.pth').is_file()
