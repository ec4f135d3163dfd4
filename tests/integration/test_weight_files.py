"""Weight files as they come, through tools/test.py: layouts that load, and files that must not."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from mmseg.models import build_segmentor
from mmseg.models.weights import relayout, write_weights
from mmseg.toolbox.testing.run import load_network
from tests.integration.programs import run_tool
from tests.integration.test_bad_input import assert_one_paragraph
from tests.integration.tiny import model, tiny_config, write_config
from tests.models.tiny import segformer_head

pytestmark = pytest.mark.slow


class Attack:
    """Runs a command when it is unpickled by a careless reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f'touch {self.mark}',)


def packed(source: Path, path: Path) -> None:
    """A small archive that unpacks to 40 MB."""
    torch.save({'state_dict': {'weight': torch.zeros(10_000_000)}}, source)
    with zipfile.ZipFile(source) as plain, zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))


def other_classes(path: Path) -> None:
    config = model()
    config['decode_head']['num_classes'] = 7
    torch.save({'state_dict': build_segmentor(config).state_dict()}, path)


def save_old(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


BAD: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    'malicious': (lambda path, mark: torch.save({'state_dict': Attack(mark)}, path), 'posix.system'),
    'malicious, old format': (lambda path, mark: save_old({'meta': Attack(mark)}, path), 'posix.system'),
    'malicious pickle': (lambda path, mark: path.write_bytes(pickle.dumps(Attack(mark))), 'posix.system'),
    'truncated': (lambda path, mark: (other_classes(path), os.truncate(path, path.stat().st_size // 2)), 'truncated'),
    'zip bomb': (lambda path, mark: packed(path.with_suffix('.source'), path), 'unpacks to'),
    'text': (lambda path, mark: path.write_text('Quota exceeded'), "text file (it starts with 'Quota exceeded')"),
    'empty': (lambda path, mark: path.touch(), 'empty (0 bytes)'),
    'folder': (lambda path, mark: path.mkdir(), 'is a folder'),
    'other classes': (lambda path, mark: other_classes(path), 'mit_b0 with DAFormerHead, 7 classes; the configuration '
                      'has mit_b0 with DAFormerHead, 19 classes'),
    'encoder': (lambda path, mark: torch.save(build_segmentor(model()).backbone.state_dict(), path),
                'looks like mit_b0 without a decode head'),
}  # fmt: skip


@pytest.mark.parametrize('kind', BAD)
def test_bad_weight_files(
    kind: str, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    write, expected = BAD[kind]
    path, mark = tmp_path / 'weights.pth', tmp_path / 'mark'
    write(path, mark)
    config = write_config(tmp_path, tiny_config(tiny_data))
    assert run_tool(monkeypatch, 'test', config, path, '--eval', 'mIoU') == 1
    errors = capsys.readouterr().err
    assert_one_paragraph(errors, path.name)
    assert expected in errors
    assert not mark.exists()


def with_log(state: dict[str, torch.Tensor], path: Path) -> None:
    """As mmsegmentation 1.x keeps it."""
    meta = {'dataset_meta': {'classes': ['x'] * 19, 'palette': [[0, 0, 0]] * 19}, 'cfg': 'model = dict()'}
    hub = {'log_scalars': {'train/loss': HistoryBuffer([1.0], [1])}}
    torch.save({'meta': meta, 'state_dict': state, 'message_hub': hub, 'optimizer': {}}, path)


def below(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: value for key, value in state.items()}


GOOD: dict[str, Callable[[dict[str, torch.Tensor], Path], object]] = {
    'plain': lambda state, path: torch.save(state, path),
    'stripped': lambda state, path: torch.save({'state_dict': below(state, 'model.')}, path),
    'data parallel': lambda state, path: torch.save({'state_dict': below(state, 'module.model.')}, path),
    'old format': lambda state, path: save_old({'state_dict': state, 'meta': {}}, path),
    'mmsegmentation 1.x': with_log,
    'safetensors': lambda state, path: write_weights(path, state, {'CLASSES': ['x'] * 19}),
}


def summary(text: str) -> str:
    """The printed tables."""
    return text[text.index('per class results') :]


@pytest.mark.parametrize('kind', GOOD)
def test_layouts_are_the_same_network(kind: str, tmp_path: Path) -> None:
    config = Config({'model': model()})
    state = build_segmentor(model()).state_dict()
    path = tmp_path / ('weights.safetensors' if kind == 'safetensors' else 'weights.pth')
    GOOD[kind](state, path)
    loaded = load_network(config, path, device=torch.device('cpu'))
    assert all(torch.equal(value, state[key]) for key, value in loaded.state_dict().items())


def test_published_teacher_scores_the_same(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config, checkpoint = trained
    assert (
        run_tool(monkeypatch, 'publish_model', checkpoint, tmp_path / 'x.safetensors', '--network', 'teacher')
        == 0
    )
    (published,) = tmp_path.glob('x-*.safetensors')
    tables = []
    for words in ((checkpoint, '--network', 'teacher'), (published,)):
        capsys.readouterr()
        assert run_tool(monkeypatch, 'test', config, *words, '--eval', 'mIoU', '--work-dir', tmp_path) == 0
        tables.append(summary(capsys.readouterr().out))
    assert tables[0] == tables[1]


def test_network_of_another_program(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config = tiny_config(tiny_data)
    config['model']['decode_head'] = segformer_head(num_classes=19)
    path = write_config(tmp_path, config)
    network = build_segmentor(config['model'])
    write_weights(tmp_path / 'ours.pth', network.state_dict())
    write_weights(tmp_path / 'theirs.safetensors', relayout(network.state_dict(), 'huggingface'))
    tables = []
    for name in ('ours.pth', 'theirs.safetensors'):
        assert run_tool(monkeypatch, 'test', path, tmp_path / name, '--eval', 'mIoU') == 0
        tables.append(summary(capsys.readouterr().out))
    assert tables[0] == tables[1]
