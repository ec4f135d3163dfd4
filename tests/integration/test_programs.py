"""The programs as users type them: results."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmseg.apis import inference_model, init_model, show_result
from mmseg.datasets.classes import PALETTE
from mmseg.toolbox.reports import load_result
from tests.integration.programs import run_tool

pytestmark = pytest.mark.slow


def test_training_leaves_a_work_folder(trained: tuple[Path, Path]) -> None:
    folder = trained[1].parent
    names = {path.name for path in folder.iterdir()}
    assert {'iter_3.pth', 'iter_6.pth', 'latest.pth', 'last_checkpoint', 'tiny_daformer.json'} <= names
    assert json.loads((folder / 'tiny_daformer.json').read_text())['uda']['alpha'] == 0.999
    log = next(folder.glob('*.log')).read_text()
    assert re.search(r'^[\d-]+ [\d:,]+ - mmseg - INFO - Iter \[6/6\]\tlr: ', log, re.MULTILINE)
    assert 'Saving checkpoint at 6 iterations' in log
    first = json.loads(next(folder.glob('*.log.json')).read_text().splitlines()[0])
    assert {'env_info', 'seed', 'exp_name', 'mmseg_version', 'config', 'CLASSES', 'PALETTE'} <= set(first)


@pytest.mark.parametrize('network', ['student', 'teacher'])
def test_scores_pictures_and_labels(
    network: str, trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    show, labels = tmp_path / 'show', tmp_path / 'labels'
    options = [
        '--eval',
        'mIoU',
        '--show-dir',
        show,
        '--opacity',
        '1',
        '--out-dir',
        labels,
        '--work-dir',
        tmp_path,
    ]
    options += ['--out', tmp_path / 'out.pkl']
    assert run_tool(monkeypatch, 'test', *trained, '--network', network, *options) == 0
    text = capsys.readouterr().out
    assert 'per class results:' in text
    assert re.search(r'mIoU19: [\d.]+, mIoU16: [\d.]+, mIoU13: [\d.]+', text)
    picture = cv2.imread(str(next(show.rglob('*.png'))))[..., ::-1]
    assert {tuple(map(int, colour)) for colour in np.unique(picture.reshape(-1, 3), axis=0)} <= set(PALETTE)
    ids = cv2.imread(str(sorted(labels.glob('*.png'))[0]))
    assert ids is not None
    assert len(list(labels.glob('*.png'))) == 3
    result = load_result(tmp_path / f'result_{network}.json')
    assert result.network == network
    assert result.confusion is not None
    assert result.confusion.sum() > 0


def test_whole_slide_and_augmented(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    sliding = ['--inference-mode', 'slide', '--cfg-options', 'crop_size=[64,64]']
    for number, options in enumerate((sliding, ['--tta'], ['--format-only', '--out-dir', tmp_path / 'ids'])):
        scoring = (
            [] if '--format-only' in options else ['--eval', 'mIoU', '--work-dir', tmp_path / str(number)]
        )
        assert run_tool(monkeypatch, 'test', *trained, *scoring, *options) == 0, capsys.readouterr().err
    assert len(list((tmp_path / 'ids').glob('*.png'))) == 3


def test_python_interface(trained: tuple[Path, Path], tiny_data: Path, tmp_path: Path) -> None:
    model = init_model(*trained)
    path = next((tiny_data / 'cityscapes' / 'leftImg8bit' / 'val').rglob('*.png'))
    result = inference_model(model, path)
    assert result.shape == (64, 128)
    assert np.array_equal(result, inference_model(model, cv2.imread(str(path))))
    pure = show_result(model, path, result, opacity=1, out_file=tmp_path / 'x.png')
    assert np.array_equal(cv2.imread(str(tmp_path / 'x.png')), pure)
    assert np.array_equal(pure[..., ::-1], np.array(PALETTE, np.uint8)[result])
