"""Weight files: what is read, and what a damaged, foreign or malicious file is answered with."""

import datetime
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file
from torch import nn

from mmseg.errors import CheckpointError
from mmseg.models.weights import load_weights, meta_of, read_weight_file, state_dict_of
from mmseg.models.weights.reading import Inert


class Opaque:
    """An object that must not be unpickled from a weight file."""


def state() -> OrderedDict[str, torch.Tensor]:
    return OrderedDict(weight=torch.ones(2, 3), bias=torch.zeros(2))


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
    with pytest.raises(CheckpointError, match=r'none\.pth does not exist\. Correct the path.*latest\.pth\.$'):
        load_weights(tmp_path / 'none.pth')
    with pytest.raises(CheckpointError, match='is a folder'):
        load_weights(tmp_path)


@pytest.mark.parametrize('zipped', [True, False])
def test_numbers_of_numpy_are_plain_values(file, zipped) -> None:
    meta = {'seed': np.int64(3), 'best': np.float64(0.5), 'lr': np.float32(0.25)}
    torch.save({'state_dict': state(), 'meta': meta}, file, _use_new_zipfile_serialization=zipped)
    assert read_weight_file(file)['meta'] == meta


class Attack:
    """Runs a command when it is unpickled by a careless reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f'touch {self.mark}',)


class CodeAttack(Attack):
    """The same through a function that is in every program."""

    def __reduce__(self) -> Any:
        return eval, (f'open({str(self.mark)!r}, "w")',)


class HiddenAttack(Attack):
    """The same by looking the function up, which logs of mmengine do as well."""

    def __reduce__(self) -> Any:
        return getattr, (self.mark, 'touch')


WRITERS: dict[str, Any] = {
    'zip': torch.save,
    'stream': lambda content, file: torch.save(content, file, _use_new_zipfile_serialization=False),
    'protocol 4': lambda content, file: torch.save(content, file, pickle_protocol=4),
    'pickle': lambda content, file: file.write_bytes(pickle.dumps(content)),
}


@pytest.mark.parametrize('kind', [Attack, CodeAttack])
@pytest.mark.parametrize('writer', WRITERS)
def test_malicious_pickles_are_refused_and_run_nothing(file, tmp_path, kind, writer) -> None:
    mark = tmp_path / 'mark'
    WRITERS[writer]({'state_dict': {'weight': kind(mark)}}, file)
    with pytest.raises(CheckpointError, match=f'{file.name}.*could run code') as raised:
        read_weight_file(file)
    if writer in ('zip', 'stream'):
        assert 'posix.system' in str(raised.value) or 'builtins.eval' in str(raised.value)
    assert not mark.exists()


def test_what_is_looked_up_in_other_objects_is_inert(file, tmp_path) -> None:
    mark = tmp_path / 'mark'
    torch.save({'state_dict': state(), 'meta': HiddenAttack(mark)}, file)
    assert isinstance(read_weight_file(file)['meta'], Inert)
    assert not mark.exists()


@pytest.mark.parametrize('zipped', [True, False])
def test_files_of_mmengine(file, zipped) -> None:
    """Logs, settings, paths and dates beside the weights become inert; plain values stay."""
    log = HistoryBuffer([1.0, 2.0], [1, 1])
    content = {
        'meta': {
            'cfg': ConfigDict(a=ConfigDict(b=1)),
            'folder': Path('runs'),
            'time': datetime.datetime(2024, 1, 2),
            'dataset_meta': {'classes': ('road', 'sky'), 'palette': [[1, 2, 3], [4, 5, 6]]},
            'experiment_name': 'x',
        },
        'state_dict': state(),
        'message_hub': {'log_scalars': OrderedDict(loss=log)},
        'scores': np.arange(3),
    }
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    found = read_weight_file(file)
    meta = meta_of(found)
    assert meta['cfg'] == {'a': {'b': 1}}
    assert meta['CLASSES'] == ('road', 'sky')
    assert meta['PALETTE'][1] == [4, 5, 6]
    assert meta['experiment_name'] == 'x'
    assert isinstance(meta['time'], Inert)
    assert isinstance(found['message_hub']['log_scalars']['loss'], Inert)
    assert found['scores'].tolist() == [0, 1, 2]
    assert list(state_dict_of(found)) == ['weight', 'bias']


def test_what_a_file_says_about_itself_may_be_absent() -> None:
    assert meta_of({'state_dict': {}}) == meta_of({'meta': None}) == meta_of(state()) == {}


def test_zip_bomb_is_not_unpacked(file, tmp_path) -> None:
    torch.save({'weight': torch.zeros(1_000_000)}, tmp_path / 'plain.pth')
    with (
        zipfile.ZipFile(tmp_path / 'plain.pth') as plain,
        zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(CheckpointError, match=rf'{file.name} has \d+ bytes but unpacks to 40\d+'):
        load_weights(file)


def test_tensors_larger_than_what_is_stored_are_refused(file) -> None:
    torch.save({'weight': torch.zeros(1).expand(10**6, 10**6)}, file)
    with pytest.raises(CheckpointError, match='declares larger tensors than it stores: weight'):
        load_weights(file)


def test_storage_that_claims_more_than_the_file_has(file, tmp_path) -> None:
    torch.save({'a': torch.zeros(4)}, tmp_path / 'plain.pth')
    with zipfile.ZipFile(tmp_path / 'plain.pth') as plain, zipfile.ZipFile(file, 'w') as changed:
        for name in plain.namelist():
            # four numbers, as count of the storage and as size of the tensor, become 2 ** 28
            data = plain.read(name).replace(b'K\x04t', b'J\0\0\0\x10t')
            changed.writestr(name, data.replace(b'K\0K\x04\x85', b'K\0J\0\0\0\x10\x85'))
    with pytest.raises(CheckpointError, match=f'{file.name}.*cannot be read'):
        load_weights(file)


def test_safetensors_by_content(file) -> None:
    meta = '{"CLASSES": ["road"]}'
    save_file(dict(state()), file, {'format': 'pt', 'meta': meta})
    content = read_weight_file(file)
    assert meta_of(content) == {'CLASSES': ['road']}
    assert torch.equal(state_dict_of(content)['weight'], torch.ones(2, 3))
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match='truncated'):
        load_weights(file)


def test_plain_pickles_of_arrays(file) -> None:
    file.write_bytes(pickle.dumps({'model': {'weight': np.ones((2, 3), np.float32), 'names': ['a']}}))
    loaded = load_weights(file)
    assert loaded.keys() == {'weight'}
    assert torch.equal(loaded['weight'], torch.ones(2, 3))


@pytest.mark.parametrize(
    ('start', 'words'),
    [(b'version https://git-lfs.github.com/spec/v1', 'git lfs pull'), (b'<html>', "starts with '<html>'")],
)
def test_text_files_are_named_as_such(file, start, words) -> None:
    file.write_bytes(start + b'\nmore')
    with pytest.raises(CheckpointError, match=f'text file.*{words}'):
        load_weights(file)


@pytest.mark.parametrize(
    ('key', 'value', 'kept'),
    [
        ('CLASSES', ('road', 1), True),
        ('CLASSES', 5, False),
        ('CLASSES', [['road']], False),
        ('PALETTE', [[0, 1, 255]], True),
        ('PALETTE', np.zeros((2, 3), np.uint8), True),
        ('PALETTE', [[0, 1]], False),
        ('PALETTE', [[0, 1, 256]], False),
        ('PALETTE', 'x', False),
    ],
)
def test_names_and_colours_that_are_none_are_left_out(key, value, kept) -> None:
    assert (key in meta_of({'meta': {key: value, 'seed': 0}})) is kept


def test_tensors_of_other_kinds_are_left_out(file) -> None:
    stored = {'a': torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), 'b': torch.ones(1)}
    torch.save(stored, file)
    assert list(load_weights(file)) == ['b']
