"""Weight sources: names of the model zoo and the hash in a file's name."""

import logging

import pytest
import torch
from torch import nn

from mmseg.errors import CheckpointError
from mmseg.fileio import sha256_of
from mmseg.models.weights import PRETRAINED_FOLDER, ZOO_FILES, load_pretrained, resolve_weights
from mmseg.models.weights.sources import matches_mark


@pytest.fixture
def offline(tmp_path, monkeypatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OSError('no network')

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)


@pytest.mark.usefixtures('offline')
def test_zoo_names(monkeypatch, caplog) -> None:
    with pytest.raises(
        CheckpointError, match=r'resnet50_v1c-2cccc1ad\.pth failed \(no network\).*sha256 .* 2cccc1ad'
    ):
        resolve_weights('open-mmlab://resnet50_v1c')
    with pytest.raises(CheckpointError, match='resnet18'):
        resolve_weights('open-mmlab://resnet18')
    PRETRAINED_FOLDER.mkdir()
    stored = PRETRAINED_FOLDER / ZOO_FILES['resnet50_v1c']
    torch.save(nn.Linear(3, 2).state_dict(), stored)
    assert resolve_weights('open-mmlab://resnet50_v1c') == stored
    assert 'resnet50_v1c-2cccc1ad.pth does not have the sha256' in caplog.text
    caplog.clear()
    marked = stored.with_name(f'resnet50_v1c-{sha256_of(stored)[:8]}.pth')
    stored.rename(marked)
    monkeypatch.setitem(ZOO_FILES, 'resnet50_v1c', marked.name)
    assert resolve_weights('open-mmlab://resnet50_v1c') == marked
    assert load_pretrained(nn.Linear(3, 2), 'open-mmlab://resnet50_v1c').missing == ()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize('name', ['mit_b5.pth', 'latest.pth', 'run-2024.pth'])
def test_names_without_a_hash_promise_nothing(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b'x')
    assert matches_mark(tmp_path / name)


@pytest.mark.parametrize('source', [True, 3])
def test_weights_are_named_by_a_path(source) -> None:
    with pytest.raises(CheckpointError, match=rf'pretrained is {source}; expected the path'):
        resolve_weights(source)


def test_a_missing_file_of_a_configuration(tmp_path) -> None:
    with pytest.raises(
        CheckpointError, match=r'none\.pth does not exist\. Put the file there.*model\.pretrained=None'
    ):
        load_pretrained(nn.Linear(3, 2), str(tmp_path / 'none.pth'))
