"""The banner before a run, and what can be typed after it."""

import logging
import shlex
import sys
from pathlib import Path

import pytest

from mmseg.engine.announce import banner, named_data, next_commands, program, show_next
from mmseg.places import ROOT
from tests.engine.fakes import make_run

SOURCE = {'type': 'GTADataset', 'data_root': 'data/gta'}
TARGET = {'type': 'CityscapesDataset', 'data_root': 'data/cityscapes'}


def test_a_banner_has_at_most_ten_lines(tmp_path: Path) -> None:
    everything = {
        'train_data': {'type': 'UDADataset', 'source': SOURCE, 'target': TARGET},
        'model': {'backbone': {'type': 'mit_b5'}, 'decode_head': {'type': 'DAFormerHead'}},
        'val_data': TARGET, 'eval_interval': 2, 'log_interval': 1, 'checkpoint_interval': 3, 'debug_img_interval': 6,
        'load_from': 'other.pth', 'new_classifier': True,
    }  # fmt: skip
    run = make_run(tmp_path, name='mine', **everything)
    lines = banner(run, 'now')
    assert len(lines) <= 10
    assert all(len(line) <= 110 for line in lines if str(tmp_path) not in line)
    text = '\n'.join(lines)
    for part in (
        ': mine', 'Toy, mit_b5 + DAFormerHead, 0.00 M trained parameters', '1 to 6, 2 images',
        'GTADataset data/gta -> CityscapesDataset data/cityscapes', 'AdamW 0.01, fp32, seed 0', 'cpu, ',
        'weights of other.pth; layers that tell classes apart begin anew',
        'log line 1, evaluation 2, checkpoint 3, pictures 6', f'{tmp_path} (details: now.log)',
    ):  # fmt: skip
        assert part in text


def test_what_does_not_happen_is_not_said(tmp_path: Path) -> None:
    text = '\n'.join(banner(make_run(tmp_path), 'now'))
    assert 'every' not in text
    assert 'data ' not in text


def test_names_of_data() -> None:
    assert named_data([SOURCE, TARGET]) == 'GTADataset data/gta + CityscapesDataset data/cityscapes'
    assert named_data({'type': 'Own', 'img_dir': ['a', 'b']}) == 'Own a, b'
    assert named_data({'source': SOURCE}) == 'GTADataset data/gta'
    assert named_data(None) == ''


def test_programs_are_called_as_this_one_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, 'argv', ['mmseg-uda train'])
    assert program('test') == ['mmseg-uda', 'test']
    monkeypatch.setattr(sys, 'argv', [str(ROOT / 'run_experiments.py')])
    monkeypatch.chdir(ROOT)
    assert program('test')[-1] == str(Path('tools', 'test.py'))
    monkeypatch.chdir(tmp_path)
    assert program('test')[-1] == str(ROOT / 'tools' / 'test.py')


def test_what_to_type_next(tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'argv', ['mmseg-uda train'])
    commands = [shlex.split(line) for line in next_commands(Path('work dirs/x'), 'c.json', ['own.parts'])]
    assert commands == [
        ['mmseg-uda', 'test', 'work dirs/x/c.json', 'work dirs/x/latest.pth', '--eval', 'mIoU',
         '--custom-imports', 'own.parts'],
        ['mmseg-uda', 'report', 'work dirs/x', '--custom-imports', 'own.parts'],
        ['mmseg-uda', 'export', 'work dirs/x/c.json', 'work dirs/x/latest.pth', '--out', 'work dirs/x/network.onnx',
         '--custom-imports', 'own.parts'],
    ]  # fmt: skip
    logging.getLogger('mmseg').setLevel('INFO')
    run = make_run(tmp_path)
    show_next(run, 'c.json')
    assert logged == [], 'without a checkpoint there is nothing to type'
    (tmp_path / 'latest.pth').touch()
    show_next(run, None)
    assert logged == [], 'nor without a configuration file'
    show_next(run, 'c.json')
    assert logged[0].count(f'mmseg-uda test {tmp_path}/c.json {tmp_path}/latest.pth --eval mIoU') == 1
