"""tools/adapt_bn.py as a program."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmseg.models import build_segmentor
from mmseg.models.weights import load_weights
from tests.integration.programs import run_tool
from tests.integration.tiny import TEST_STEPS
from tests.models.tiny import segformer_head, segmentor


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / 'target').mkdir()
    for i in range(3):
        image = np.random.default_rng(i).integers(0, 256, (64, 128, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f'target/{i}.png'), image)
    test = {'type': 'CustomDataset', 'img_dir': 'val', 'data_root': str(tmp_path), 'img_suffix': '.png'}
    names = [f'class {i}' for i in range(5)]
    test |= {'pipeline': TEST_STEPS, 'classes': names, 'palette': [[i, 0, 0] for i in range(5)]}
    path = tmp_path / 'config.py'
    path.write_text(f'model = {segmentor(decode_head=segformer_head())!r}\ndata = dict(test={test!r})\n')
    return path


def test_only_statistics_of_batch_norms_change(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = build_segmentor(segmentor(decode_head=segformer_head())).state_dict()
    torch.save({'meta': {}, 'state_dict': before}, tmp_path / 'trained.pth')
    out = tmp_path / 'adapted.pth'
    words = (config, tmp_path / 'trained.pth', out, '--img-dir', 'target', '--images', '2')
    assert run_tool(monkeypatch, 'adapt_bn', *words) == 0
    assert 'statistics of 2 pictures in' in capsys.readouterr().out
    after = load_weights(str(out))
    changed = {key.rpartition('.')[2] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {'running_mean', 'running_var', 'num_batches_tracked'}


def test_folder_without_pictures_is_a_user_error(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'adapted.pth'
    assert run_tool(monkeypatch, 'adapt_bn', config, tmp_path / 'x.pth', out, '--img-dir', 'none') == 1
    assert 'no pictures found' in capsys.readouterr().err
    assert not out.exists()
