"""demo/image_demo.py: options that change the configuration, mistakes that are noticed before a network is loaded."""

import runpy
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.errors import UsageError
from tests.integration.tiny import tiny_config, write_config

TOOL = str(Path(__file__).resolve().parents[2] / 'demo' / 'image_demo.py')


@pytest.fixture(scope='module')
def tool() -> dict[str, Any]:
    return runpy.run_path(TOOL, run_name='tool')


def test_scale_and_augmentation(tool: dict[str, Any], tmp_path: Path) -> None:
    path = write_config(tmp_path, tiny_config(Path('data')))
    chosen = Namespace(config=path, cfg_options={}, scale=[320, 200], aug_test=True, inference_mode='same')
    step = tool['configured'](chosen).data.test.pipeline[1]
    assert tuple(step['img_scale']) == (320, 200)
    assert step['flip']


def test_palette_of_another_number_of_classes(tool: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match='has 19 classes, the network 2'):
        tool['legend_of'](Namespace(num_classes=2), 'cityscapes')
    own = Namespace(CLASSES=['a'], PALETTE=[[1, 2, 3]])
    assert tool['legend_of'](own, None) == (['a'], [[1, 2, 3]])


def test_a_run_is_named_by_its_folder(tool: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    """As demo.sh does; after pip install there is no demo.sh."""
    (tmp_path / 'run.json').write_text('{}')
    torch.save({'state_dict': {'x': torch.zeros(1)}}, tmp_path / 'latest.pth')
    for words, images in (
        (['a.png', 'b.png', str(tmp_path)], ['a.png', 'b.png']),
        (['a', str(tmp_path)], ['a']),
    ):
        monkeypatch.setattr(sys, 'argv', ['image_demo.py', *words])
        args = tool['parse_arguments']()
        assert (args.img, args.config.name, args.checkpoint.name) == (images, 'run.json', 'latest.pth')
    monkeypatch.setattr(sys, 'argv', ['image_demo.py', 'a.png', 'b.png', 'x.json', 'x.pth'])
    args = tool['parse_arguments']()
    assert (args.img, args.config, args.checkpoint) == (['a.png', 'b.png'], 'x.json', 'x.pth')


@pytest.mark.parametrize(
    'words',
    ['a.png --opacity 1 x.json x.pth', 'a.png x.json --opacity 1 x.pth', '--opacity 1 a.png x.json x.pth'],
)
def test_options_may_stand_between(tool: dict[str, Any], words: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, 'argv', ['image_demo.py', *words.split()])
    args = tool['parse_arguments']()
    assert (args.img, args.config, args.checkpoint) == (['a.png'], 'x.json', 'x.pth')


def test_a_checkpoint_is_missing(tool: dict[str, Any], monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys, 'argv', ['image_demo.py', 'a.png', 'x.pth'])
    with pytest.raises(SystemExit, match='2'):
        tool['parse_arguments']()
    assert 'expected configuration and checkpoint, or the folder of a run' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('picture', 'message'),
    [('absent.png', 'no such file'), ('.', 'no picture and no video'), ('pictures', 'add --out-dir')],
)
def test_mistakes(picture: str, message: str, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    (tmp_path / 'pictures').mkdir()
    if picture == 'pictures':
        (tmp_path / 'pictures' / 'x.png').touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['image_demo.py', picture, 'absent.json', 'absent.pth'])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(TOOL, run_name='__main__')
    assert leaving.value.code in (1, 2)
    assert message in capsys.readouterr().err
