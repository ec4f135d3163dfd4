"""tools/{publish_model,convert_weights}.py as programs."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor, nn

from mmseg.fileio import sha256_of
from mmseg.models import build_segmentor
from mmseg.models.weights import canonical, load_weights, meta_of, read_weight_file, relayout
from mmseg.models.weights.sources import matches_mark
from tests.integration.programs import ROOT, run_tool
from tests.models.tiny import segformer_head, segmentor

State = dict[str, Tensor]


@pytest.fixture(scope='module')
def network() -> nn.Module:
    return build_segmentor(segmentor(decode_head=segformer_head()))


@pytest.fixture
def checkpoint(network: nn.Module, tmp_path: Path) -> Path:
    """As a run of self-training leaves it."""
    student = {f'model.{key}': value for key, value in network.state_dict().items()}
    teacher = {f'ema_model.{key}': value + 1 for key, value in network.state_dict().items()}
    meta = {
        'CLASSES': ('a', 'b', 'c', 'd', 'e'), 'config': 'model = 1\n', 'mmseg_version': '0.1.0+abcdef0', 'iter': 6,
        'env_info': 'secret machine',
    }  # fmt: skip
    path = tmp_path / 'run' / 'latest.pth'
    path.parent.mkdir()
    torch.save({'meta': meta, 'state_dict': student | teacher, 'optimizer': {'state': {}}}, path)
    return path


def only(folder: Path, ending: str) -> Path:
    (path,) = folder.glob(f'*{ending}')
    return path


def same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize('ending', ['pth', 'safetensors'])
def test_published_file(ending, checkpoint, network, tmp_path, monkeypatch, capsys) -> None:
    result = {'mIoU': 51.25, 'class_iou': {'a': 51.25}, 'confusion': [[1]]}
    (checkpoint.parent / 'result_teacher.json').write_text(json.dumps(result))
    out = tmp_path / 'shared' / f'model.{ending}'
    assert run_tool(monkeypatch, 'publish_model', checkpoint, out, '--network', 'teacher') == 0
    written = only(out.parent, ending)
    assert written.name.startswith('model-')
    assert written.suffix == f'.{ending}'
    assert matches_mark(written)
    content = read_weight_file(written)
    assert content.keys() == {'meta', 'state_dict'}
    assert same(content['state_dict'], {key: value + 1 for key, value in network.state_dict().items()})
    assert meta_of(content) == {
        'iter': 6, 'mmseg_version': '0.1.0+abcdef0', 'CLASSES': ['a', 'b', 'c', 'd', 'e'], 'config': 'model = 1\n',
        'scores': {'mIoU': 51.25, 'class_iou': {'a': 51.25}}, 'network': 'teacher',
    }  # fmt: skip
    told = capsys.readouterr().out
    assert 'mit_b0 with SegFormerHead, 5 classes' in told
    assert written.name in told
    assert {path.name for path in out.parent.iterdir()} == {
        written.name, *(written.with_suffix(kind).name for kind in ('.md', '.yml', '.json'))
    }  # fmt: skip
    assert json.loads(only(out.parent, '.json').read_text()) == {'model': 1}
    assert 'not stated' in only(out.parent, '.md').read_text()
    (entry,) = yaml.safe_load(only(out.parent, '.yml').read_text())['Models']
    assert entry['SHA256'] == sha256_of(written)
    assert entry['Results'][0]['Metrics'] == {'mIoU': 51.25, 'IoU': {'a': 51.25}}
    assert entry['Code'] == {'Name': 'mmseg-uda', 'Version': '0.1.0', 'Commit': 'abcdef0'}


def test_a_named_configuration_is_published_whole(checkpoint, tmp_path, monkeypatch) -> None:
    """Its base files would be missing where it is read again."""
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = ['{ROOT}/configs/demo/builtin_daformer.py']\nrunner = dict(max_iters=7)\n")
    assert run_tool(monkeypatch, 'publish_model', checkpoint, tmp_path / 'out/x.pth', '--config', child) == 0
    values = json.loads(only(tmp_path / 'out', '.json').read_text())
    assert values['runner']['max_iters'] == 7
    assert values['uda']['type'] == 'DACS'
    assert '_base_' not in meta_of(read_weight_file(only(tmp_path / 'out', '.pth')))['config']


def test_code_of_a_stranger_is_not_written_beside(network, tmp_path, monkeypatch) -> None:
    path = tmp_path / 'strange.pth'
    meta = {'config': 'import os\nmodel = dict(a=1)\nos.system("true")\n'}
    torch.save({'meta': meta, 'state_dict': network.state_dict()}, path)
    options = ('--licence', 'CC BY-NC 4.0')
    assert run_tool(monkeypatch, 'publish_model', path, tmp_path / 'out' / 'x.pth', *options) == 0
    assert {file.suffix for file in (tmp_path / 'out').iterdir()} == {'.pth', '.md', '.yml'}
    card = only(tmp_path / 'out', '.md').read_text()
    assert 'CC BY-NC 4.0' in card
    assert 'inside the weight file' in card


def test_publishing_mistakes(checkpoint, tmp_path, monkeypatch, capsys) -> None:
    assert run_tool(monkeypatch, 'publish_model', checkpoint, tmp_path / 'x.zip') == 2
    assert '.safetensors' in capsys.readouterr().err
    assert run_tool(monkeypatch, 'publish_model', checkpoint, tmp_path / 'x.pth', '--network', 'frozen') == 1
    assert 'has no frozen' in capsys.readouterr().err
    (tmp_path / 'scores.json').write_text('{}')
    options = (checkpoint, tmp_path / 'x.pth', '--result', tmp_path / 'scores.json')
    assert run_tool(monkeypatch, 'publish_model', *options) == 1
    assert 'holds no scores' in capsys.readouterr().err
    assert not list(tmp_path.glob('x*'))


@pytest.mark.parametrize('target', ['huggingface', 'smp'])
def test_conversion_there_and_back(target, checkpoint, network, tmp_path, monkeypatch, capsys) -> None:
    there, back, whole = tmp_path / 'there.safetensors', tmp_path / 'mit_b0.pth', tmp_path / 'whole.pth'
    assert run_tool(monkeypatch, 'convert_weights', checkpoint, there, '--to', target) == 0
    assert same(load_weights(there), relayout(network.state_dict(), target))
    capsys.readouterr()
    assert run_tool(monkeypatch, 'convert_weights', there, back) == 0
    assert 'mit_b0 with SegFormerHead, 5 classes' in capsys.readouterr().out
    encoder = torch.load(back, weights_only=True)
    assert list(encoder) == list(network.backbone.state_dict())
    assert same(encoder, network.backbone.state_dict())
    assert run_tool(monkeypatch, 'convert_weights', there, whole, '--to', 'segmentor') == 0
    assert same(load_weights(whole), canonical(load_weights(there)))


def test_official_file_with_a_classifier(network, tmp_path, monkeypatch, capsys) -> None:
    source, out = tmp_path / 'mit_b0.pth', tmp_path / 'hf.safetensors'
    torch.save({**network.backbone.state_dict(), 'head.weight': torch.zeros(3, 256)}, source)
    assert run_tool(monkeypatch, 'convert_weights', source) == 0
    assert (
        '177 tensors, our layout, that of the official files; mit_b0 without a decode head'
        in capsys.readouterr().out
    )
    assert run_tool(monkeypatch, 'convert_weights', source, out, '--to', 'huggingface') == 0
    assert not any('head' in key for key in load_weights(out))
    assert run_tool(monkeypatch, 'convert_weights', source, out, '--to', 'segmentor') == 0
    assert load_weights(out).keys() == {f'backbone.{key}' for key in network.backbone.state_dict()}


def test_what_cannot_be_converted(network, tmp_path, monkeypatch, capsys) -> None:
    source, out = tmp_path / 'x.pth', tmp_path / 'out.pth'
    values = network.backbone.state_dict()
    del values['norm4.weight']
    torch.save(values, source)
    assert run_tool(monkeypatch, 'convert_weights', source, out) == 1
    assert 'lacks norm4.weight' in capsys.readouterr().err
    torch.save({'stem.0.weight': torch.zeros(1)}, source)
    assert run_tool(monkeypatch, 'convert_weights', source, out) == 1
    assert 'Expected a Mix Transformer' in capsys.readouterr().err
    assert not out.exists()


def test_a_layout_without_a_file_to_write_is_a_mistake(checkpoint, monkeypatch, capsys) -> None:
    assert run_tool(monkeypatch, 'convert_weights', checkpoint, '--to', 'smp') != 0
    assert 'none was named' in capsys.readouterr().err
