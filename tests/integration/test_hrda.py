"""Multi-resolution networks in the programs: what each scale says, attention, panels, debug pictures."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.integration.hrda import tiny_hrda
from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Configuration and checkpoint of two iterations of HRDA."""
    folder = tmp_path_factory.mktemp('hrda')
    settings = tiny_hrda(tiny_data)
    settings['runner']['max_iters'] = 2
    settings['uda']['debug_img_interval'] = 1
    config = write_config(folder, settings)
    with pytest.MonkeyPatch.context() as patch:
        assert run_tool(patch, 'train', config, '--work-dir', folder / 'run', '--no-validate') == 0
    return config, folder / 'run' / 'latest.pth'


def test_scales_alone_are_scored(
    trained: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    texts = []
    for mode in ('LR', 'HR'):
        assert run_tool(monkeypatch, 'test', *trained, '--eval', 'mIoU', '--hrda-out', mode) == 0
        texts.append(capsys.readouterr().out)
    assert all('per class results:' in text for text in texts)
    assert texts[0] != texts[1]
    assert not (trained[1].parent / 'result_student.json').exists()


def test_attention_is_written_as_grey_pictures(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ['--hrda-out', 'ATT', '--show-dir', tmp_path, '--inference-mode', 'slide']
    options += ['--cfg-options', 'crop_size=[64,64]']
    assert run_tool(monkeypatch, 'test', *trained, *options) == 0
    files = sorted(tmp_path.rglob('*.png'))
    assert len(files) == 3
    picture = cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (64, 128)
    assert picture.dtype == np.uint8
    assert picture.std() > 0


def test_panels(trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ['--eval', 'mIoU', '--work-dir', tmp_path, '--hrda-panel', tmp_path / 'panels']
    assert run_tool(monkeypatch, 'test', *trained, *options) == 0
    files = sorted((tmp_path / 'panels').rglob('*.png'))
    assert len(files) == 3
    height, width = cv2.imread(str(files[0])).shape[:2]
    assert width == 6 * 3 * 130
    assert height < width / 6
    for name in ('latest.pth', trained[0].name):
        (tmp_path / name).symlink_to(trained[1].parent / name)
    assert run_tool(monkeypatch, 'report', tmp_path, '--pictures', '2') == 0
    page = (tmp_path / 'report.html').read_text()
    assert 'Two resolutions' in page
    for layer in ('LR', 'HR', 'attention', 'fused', 'truth'):
        assert (
            f'<div class="layer {"shade" if layer == "attention" else "labels"}" data-name="{layer}">' in page
        )
    assert 'Worst pictures by class' in page
    assert 'Classes that sampling delivered' in page
    assert 'Not shown' not in page


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (['--hrda-out', 'ATT'], 'add --show-dir DIR'),
        (['--hrda-out', 'ATT', '--show-dir', 'x', '--eval', 'mIoU'], 'excludes --eval'),
        (['--hrda-out', 'LR', '--eval', 'mIoU'], 'expected HRDAEncoderDecoder'),
        (['--hrda-panel', 'x'], 'expected HRDAEncoderDecoder'),
    ],
)
def test_wrong_options(
    options: list[str],
    expected: str,
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    config = write_config(tmp_path, tiny_config(tiny_data))
    assert run_tool(monkeypatch, 'test', config, 'x.pth', *options) == 2
    assert expected in capsys.readouterr().err.replace('\n', ' ')
