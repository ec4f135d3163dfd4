"""What tools/test.py writes and refuses, beyond scores and pictures (test_programs.py)."""

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.fileio import read_label
from mmseg.toolbox.testing.prediction_files import label_id_table
from tests.integration.programs import run_tool
from tests.integration.test_bad_input import assert_one_paragraph
from tests.integration.tiny import write_config
from tests.toolbox.testing.test_prediction_files import write_truth

pytestmark = pytest.mark.slow


def test_submission_is_packed_with_official_ids(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    call = [
        'test',
        *trained,
        '--test-set',
        '--format-only',
        '--eval-option',
        f'imgfile_prefix={tmp_path / "ids"}',
    ]
    assert run_tool(monkeypatch, *call, '--gpu-collect') == 0, capsys.readouterr().err
    assert 'ready to upload' in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / 'ids.zip') as archive:
        names = archive.namelist()
    assert sorted(names) == sorted(path.name for path in (tmp_path / 'ids').iterdir())
    assert all(name.endswith('_leftImg8bit.png') for name in names)
    official = set(label_id_table()[:19].tolist())
    assert set(np.unique(read_label(tmp_path / 'ids' / names[0])).tolist()) <= official


def test_official_evaluation_bf16_and_confusion_matrix(
    trained: tuple[Path, Path], tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The program that Cityscapes' server runs agrees with the table; bfloat16 with float32, up to rounding."""
    data = shutil.copytree(tiny_data / 'cityscapes', tmp_path / 'cityscapes')
    for path in (data / 'gtFine/val').rglob('*_labelTrainIds.png'):
        label = read_label(path)
        label_ids = np.where(label == 255, np.uint8(0), label_id_table()[label])
        write_truth(path.parent, path.name.removesuffix('_gtFine_labelTrainIds.png'), label_ids)
    outputs = ['--confusion-matrix', tmp_path / 'x.csv', '--work-dir', tmp_path]
    outputs += ['--cfg-options', f'data.test.data_root={data}']
    assert run_tool(monkeypatch, 'test', *trained, '--eval', 'mIoU', 'cityscapes', *outputs) == 0
    said = capsys.readouterr().out
    result = json.loads((tmp_path / 'result_student.json').read_text())
    assert f'averageScoreClasses: {result["mIoU"] / 100:.4f}' in said
    with (tmp_path / 'x.csv').open(newline='') as file:
        rows = [[int(count) for count in row[1:]] for row in list(csv.reader(file))[1:]]
    assert rows == result['confusion']
    assert (
        run_tool(monkeypatch, 'test', *trained, '--eval', 'mDice', '--amp', '--work-dir', tmp_path / 'bf16')
        == 0
    )
    other = json.loads((tmp_path / 'bf16' / 'result_student.json').read_text())
    assert abs(other['mIoU'] - result['mIoU']) < 2


def without_pictures(config: dict[str, Any], folder: Path) -> None:
    config['data']['test']['data_root'] = str(folder / 'nowhere')


def without_labels(config: dict[str, Any], folder: Path) -> None:
    config['data']['test']['ann_dir'] = 'gtFine/elsewhere'


def without_scales(config: dict[str, Any], folder: Path) -> None:
    steps = config['data']['test']['pipeline']
    config['data']['test']['pipeline'] = [steps[0], *steps[1]['transforms']]


def misspelt(config: dict[str, Any], folder: Path) -> None:
    config['model']['decode_heads'] = {}


REFUSED = {
    'no pictures': (without_pictures, ['--eval', 'mIoU'], 1, 'nowhere'),
    'no labels': (without_labels, ['--eval', 'mIoU'], 1, 'elsewhere'),
    'no scales': (without_scales, ['--eval', 'mIoU', '--tta'], 2, 'MultiScaleFlipAug'),
    'misspelt key': (misspelt, ['--eval', 'mIoU'], 2, 'decode_head'),
    'one process': (None, ['--eval', 'mIoU', '--launcher', 'pytorch'], 2, 'torchrun'),
    'two scales': (None, ['--eval', 'mIoU', '--hrda-out', 'LR'], 2, 'HRDAEncoderDecoder'),
    'window': (None, ['--show'], 2, '--show-dir'),
    'matrix of nothing': (None, ['--show-dir', 'x', '--confusion-matrix', 'x.png'], 2, '--eval'),
    'ending of the matrix': (None, ['--eval', 'mIoU', '--confusion-matrix', 'x.xls'], 2, '.csv'),
}


@pytest.mark.parametrize('name', REFUSED)
def test_refused(
    name: str, trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    spoil, options, code, expected = REFUSED[name]
    config = json.loads(trained[0].read_text())
    if spoil is not None:
        spoil(config, tmp_path)
    path = write_config(tmp_path, config)
    monkeypatch.chdir(tmp_path)
    assert run_tool(monkeypatch, 'test', path, trained[1], *options) == code
    errors = capsys.readouterr().err
    assert_one_paragraph(errors.rpartition('test.py: error')[2] if 'usage:' in errors else errors, expected)
    assert not [file for file in tmp_path.iterdir() if file != path]


def test_checkpoint_without_teacher(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    state = torch.load(trained[1], weights_only=True)['state_dict']
    student = {key.removeprefix('model.'): value for key, value in state.items() if key.startswith('model.')}
    torch.save({'state_dict': student}, tmp_path / 'plain.pth')
    call = ['test', trained[0], tmp_path / 'plain.pth', '--eval', 'mIoU']
    assert run_tool(monkeypatch, *call) == 0
    capsys.readouterr()
    assert run_tool(monkeypatch, *call, '--network', 'teacher') == 1
    assert_one_paragraph(capsys.readouterr().err, 'has no teacher')
