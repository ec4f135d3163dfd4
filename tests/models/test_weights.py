"""Weight files: what is read, chosen, put in, and what a wrong file is answered with."""

import logging
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.errors import CheckpointError, ConfigError
from mmseg.models import weights
from mmseg.models.weights import (
    load_into,
    load_pretrained,
    load_weights,
    pretrained_path,
    read_checkpoint,
    resolve_weights,
    select_network,
)


class Opaque:
    """An object that must not be unpickled from a weight file."""


def state() -> OrderedDict[str, torch.Tensor]:
    return OrderedDict(nn.Linear(3, 2).state_dict())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / 'weights.pth'


@pytest.mark.parametrize(
    'wrap', [lambda s: s, lambda s: {'state_dict': s, 'meta': {}}, lambda s: {'model': s}]
)
def test_wrapped_state_dicts(file, wrap) -> None:
    stored = state()
    torch.save(wrap(stored), file)
    loaded = load_weights(file)
    assert list(loaded) == list(stored)
    assert all(torch.equal(loaded[key], stored[key]) for key in stored)


def test_old_file_format(file) -> None:
    torch.save(state(), file, _use_new_zipfile_serialization=False)
    assert list(load_weights(file)) == ['weight', 'bias']


def _truncated(path: Path, share: float, zipped: bool) -> None:
    torch.save(nn.Linear(300, 20).state_dict(), path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('share', [0.02, 0.5, 0.95])
def test_truncated_file_is_named(file, share, zipped) -> None:
    _truncated(file, share, zipped)
    with pytest.raises(CheckpointError, match=file.name):
        load_weights(file)


@pytest.mark.parametrize(
    'content, words',
    [
        (b'', 'empty'),
        (b'no checkpoint at all', 'Download or copy it again'),
        (b'<html><body>404</body></html>', 'Download or copy it again'),
    ],
)
def test_other_content_is_named(file, content, words) -> None:
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf'{file.name}.*{words}'):
        load_weights(file)


@pytest.mark.parametrize(
    'content, words', [(Opaque(), 'could run code'), ([1, 2], 'list'), ({'epoch': 3}, 'no tensors')]
)
def test_files_without_a_state_dict(file, content, words) -> None:
    torch.save(content, file)
    with pytest.raises(CheckpointError, match=words):
        load_weights(file)


def test_missing_file_and_folder(tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r'none\.pth does not exist.*model\.pretrained'):
        load_weights(tmp_path / 'none.pth')
    with pytest.raises(CheckpointError, match='is a folder'):
        load_weights(tmp_path)


def test_student_and_teacher_by_anchored_prefix() -> None:
    checkpoint = {
        'model.backbone.a': torch.tensor(1),
        'model.submodel.b': torch.tensor(2),
        'ema_model.backbone.a': torch.tensor(3),
        'imnet_model.backbone.a': torch.tensor(4),
        'model_D.main.c': torch.tensor(5),
    }
    student = select_network(checkpoint, 'student')
    assert {key: int(value) for key, value in student.items()} == {'backbone.a': 1, 'submodel.b': 2}
    assert {key: int(value) for key, value in select_network(checkpoint, 'teacher').items()} == {
        'backbone.a': 3
    }
    wrapped = {f'module.{key}': value for key, value in checkpoint.items()}
    assert select_network(wrapped).keys() == student.keys()
    plain = {'backbone.a': torch.tensor(1)}
    assert select_network(plain) == plain
    with pytest.raises(CheckpointError, match=r'run\.pth has no teacher'):
        select_network(plain, 'teacher', 'run.pth')


def test_other_networks_are_refused_and_change_nothing() -> None:
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    with pytest.raises(CheckpointError, match=r'x\.pth belongs to another network.*weight \(file \(2, 4\)'):
        load_into(module, {'weight': torch.zeros(2, 4), 'bias': torch.zeros(2)}, 'x.pth')
    with pytest.raises(CheckpointError, match=r'Missing in the file: bias.*Not in the network: head\.w'):
        load_into(module, {'weight': torch.zeros(2, 3), 'head.w': torch.zeros(1)}, 'x.pth')
    with pytest.raises(CheckpointError, match='Not in the network: conv'):
        load_into(module, {'conv': torch.zeros(1)}, 'x.pth', allow_missing=True)
    assert torch.equal(module.weight, before)


def test_report_names_what_did_not_fit(caplog) -> None:
    caplog.set_level(logging.WARNING, 'mmseg')
    values = {'weight': torch.ones(2, 3), 'fc.bias': torch.zeros(1), 'head.weight': torch.zeros(1)}
    module = nn.Linear(3, 2)
    report = load_into(module, values, 'x.pth', allow_missing=True, ignored=('head.',))
    assert (report.missing, report.unexpected) == (('bias',), ('fc.bias',))
    assert 'missing keys: bias; unexpected keys: fc.bias' in caplog.text
    assert (module.weight == 1).all()


def test_counters_of_old_batch_norms_may_be_absent() -> None:
    values = {key: v for key, v in nn.BatchNorm2d(2).state_dict().items() if key != 'num_batches_tracked'}
    assert load_into(nn.BatchNorm2d(2), values).missing == ()


def test_zoo_names(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))

    def offline(*args, **options):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(CheckpointError, match=r'resnet50_v1c-2cccc1ad\.pth failed \(no network\)'):
        resolve_weights('open-mmlab://resnet50_v1c')
    with pytest.raises(CheckpointError, match='resnet18'):
        resolve_weights('open-mmlab://resnet18')
    weights.PRETRAINED_FOLDER.mkdir()
    stored = weights.PRETRAINED_FOLDER / 'resnet50_v1c-2cccc1ad.pth'
    torch.save(state(), stored)
    assert resolve_weights('open-mmlab://resnet50_v1c') == stored
    assert load_pretrained(nn.Linear(3, 2), 'open-mmlab://resnet50_v1c').missing == ()


def test_pretrained_by_either_key() -> None:
    init_cfg = {'type': 'Pretrained', 'checkpoint': 'a.pth'}
    assert pretrained_path(None, init_cfg) == pretrained_path('a.pth', None) == 'a.pth'
    assert pretrained_path(None, None) is None
    with pytest.raises(ConfigError, match='not both'):
        pretrained_path('b.pth', init_cfg)
    with pytest.raises(ConfigError, match='Kaiming'):
        pretrained_path(None, {'type': 'Kaiming'})


@pytest.mark.parametrize('zipped', [True, False])
def test_numbers_of_numpy_are_plain_values(file, zipped) -> None:
    meta = {'seed': np.int64(3), 'best': np.float64(0.5), 'lr': np.float32(0.25)}
    torch.save({'state_dict': state(), 'meta': meta}, file, _use_new_zipfile_serialization=zipped)
    assert read_checkpoint(file)['meta'] == meta
