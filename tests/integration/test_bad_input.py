"""What the programs say about bad input: one paragraph with the name, the exit code, nothing half-written."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def picture_of(data: Path) -> Path:
    return data / 'gta' / 'images' / '00001.png'


def label_of(data: Path) -> Path:
    return data / 'gta' / 'labels' / '00001_labelTrainIds.png'


def write_label(data: Path, label: np.ndarray) -> Path:
    cv2.imwrite(str(label_of(data)), label)
    return label_of(data)


def empty(data: Path) -> Path:
    for path in (data / 'gta' / 'images').iterdir():
        path.unlink()
    return data / 'gta' / 'images'


def without_statistics(data: Path) -> Path:
    path = data / 'gta' / 'sample_class_stats.json'
    path.unlink()
    return path


def cut_jpeg(data: Path) -> Path:
    """A JPEG in the place of a picture: formats are told by content, not by name."""
    picture = picture_of(data)
    picture.write_bytes(cv2.imencode('.jpg', cv2.imread(str(picture)))[1].tobytes())
    return cut(picture)


def changed_byte(data: Path) -> Path:
    picture = picture_of(data)
    content = bytearray(picture.read_bytes())
    content[len(content) // 2] ^= 0xFF
    picture.write_bytes(content)
    return picture


def damaged_statistics(data: Path) -> Path:
    return cut(data / 'gta' / 'samples_with_class.json')


DATA_FAULTS: dict[str, Callable[[Path], Path]] = {
    'cut picture': lambda data: cut(picture_of(data)),
    'cut JPEG': cut_jpeg,
    'picture with a changed byte': changed_byte,
    'cut label': lambda data: cut(label_of(data)),
    'label id outside the table': lambda data: write_label(data, np.full((64, 128), 77, np.uint8)),
    'label of another size': lambda data: write_label(data, np.zeros((32, 128), np.uint8)),
    'empty folder': empty,
    'no statistics': without_statistics,
    'damaged statistics': damaged_statistics,
}


def assert_one_paragraph(errors: str, expected: str) -> None:
    """A message with the name, without a traceback."""
    assert expected in errors.replace('\n', ' '), errors
    assert 'Traceback' not in errors
    assert len(errors.strip()) < 1200
    assert '\n\n' not in errors.strip()


@pytest.mark.parametrize(('fault', 'workers'), [*((fault, 0) for fault in DATA_FAULTS), ('cut picture', 2)])
def test_bad_data(
    fault: str, workers: int, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    data = tmp_path / 'data'
    subprocess.run(['cp', '-r', str(tiny_data), str(data)], check=True)
    config = tiny_config(data)
    config['data']['workers_per_gpu'] = workers
    culprit = DATA_FAULTS[fault](data)
    path = write_config(tmp_path, config)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run', '--no-validate') == 1
    assert_one_paragraph(capfd.readouterr().err, culprit.name)
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_config_with_typos(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config = tiny_config(tiny_data)
    config['uda']['alhpa'] = 0.9
    config['model']['decode_head']['dropout'] = 0.1
    path = write_config(tmp_path, config)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run') == 2
    errors = capsys.readouterr().err
    assert 'Traceback' not in errors
    assert 'alhpa' in errors
    assert 'alpha' in errors
    assert 'dropout' in errors
    assert not (tmp_path / 'run').exists()


CONFIG_FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    'no network': (lambda config: config.pop('model'), 'has no model'),
    'no data': (lambda config: config.pop('data'), 'has no data.train, data.val'),
    'no validation set': (lambda config: config['data'].pop('val'), 'has no data.val'),
    'one data set': (lambda config: config['data'].update(train=config['data']['val']), 'expected a UDADataset'),
    'other classes': (lambda config: config['model']['decode_head'].update(num_classes=5), 'num_classes: found 5, but'),
}  # fmt: skip


@pytest.mark.parametrize('fault', CONFIG_FAULTS)
def test_configs_that_cannot_be_trained(
    fault: str, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config = tiny_config(tiny_data)
    spoil, expected = CONFIG_FAULTS[fault]
    spoil(config)
    path = write_config(tmp_path, config)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run') == 2
    assert_one_paragraph(capsys.readouterr().err, expected)


def test_test_needs_its_data(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config = json.loads(trained[0].read_text())
    del config['data']['test']
    path = write_config(tmp_path, config)
    assert run_tool(monkeypatch, 'test', path, trained[1], '--eval', 'mIoU') == 2
    assert_one_paragraph(capsys.readouterr().err, 'has no data.test')


def test_output_folder_that_cannot_be_made(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / 'file').write_text('in the way')
    folder = tmp_path / 'file' / 'run'
    assert run_tool(monkeypatch, 'train', trained[0], '--work-dir', folder) == 1
    assert_one_paragraph(capsys.readouterr().err, 'Not a directory')
    for option in ('--show-dir', '--out-dir'):
        assert run_tool(monkeypatch, 'test', *trained, option, folder) == 1
        assert_one_paragraph(capsys.readouterr().err, 'Not a directory')


def test_loss_that_is_not_finite(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config = tiny_config(tiny_data, 'source_only')
    config['optimizer']['lr'] = 1e30
    path = write_config(tmp_path, config)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run', '--no-validate') == 1
    assert_one_paragraph(capsys.readouterr().err, 'decode.loss_seg is nan at iteration')
    assert [path.name for path in (tmp_path / 'run').glob('*.pth')] == ['nonfinite_iter_2.pth']


def test_missing_and_broken_configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / 'broken.json').write_text('{"model": ')
    (tmp_path / 'broken.py').write_text('model = dict(\n')
    for name in ('absent.py', 'broken.json', 'broken.py'):
        assert run_tool(monkeypatch, 'train', tmp_path / name) == 2
        assert_one_paragraph(capsys.readouterr().err, name)


def test_checkpoints_that_do_not_fit(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    config, checkpoint = trained
    other = tmp_path / 'other.pth'
    torch.save({'state_dict': {'backbone.stem.0.weight': torch.zeros(3)}}, other)
    half = tmp_path / 'half.pth'
    half.write_bytes(checkpoint.read_bytes())
    cut(half)
    for path in (other, half, tmp_path / 'absent.pth'):
        assert run_tool(monkeypatch, 'test', config, path, '--eval', 'mIoU') == 1
        assert_one_paragraph(capsys.readouterr().err, path.name)
        for option in ('--resume-from', '--load-from'):
            assert run_tool(monkeypatch, 'train', config, '--work-dir', tmp_path / 'run', option, path) == 1
            assert_one_paragraph(capsys.readouterr().err, path.name)
    assert run_tool(monkeypatch, 'train', config, '--work-dir', tmp_path / 'empty', '--resume') == 1
    assert_one_paragraph(capsys.readouterr().err, 'nothing to resume')


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        ([], 'at least one of'),
        (['--eval', 'mIoU', '--format-only'], 'excludes --eval'),
        (['--format-only'], '--out-dir'),
        (['--out', 'x.txt'], '.pkl'),
        (['--eval', 'mIoU', '--opacity', '0'], 'not in (0, 1]'),
        (['--eval', 'IoU'], 'invalid choice'),
    ],
)
def test_wrong_options_of_test(
    options: list[str], expected: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert run_tool(monkeypatch, 'test', 'config.py', 'x.pth', *options) == 2
    errors = capsys.readouterr().err
    assert expected in errors
    assert 'Traceback' not in errors


def test_full_disk_is_one_paragraph(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def full(contents: object, path: Path) -> None:
        Path(path).write_bytes(b'half')
        raise OSError(28, 'No space left on device', str(path))

    path = write_config(tmp_path, tiny_config(tiny_data))
    monkeypatch.setattr(torch, 'save', full)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run', '--no-validate') == 1
    assert_one_paragraph(capsys.readouterr().err, 'iter_3.pth')
    left = [p.name for p in (tmp_path / 'run').iterdir() if 'pth' in p.name]
    assert left == []


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert run_tool(monkeypatch, 'train', tmp_path / 'absent.py', '--debug') == 2
    assert 'Traceback' in capsys.readouterr().err
