"""The programs as users type them: results, Ctrl-C, and what they say about bad input."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from mmseg.apis import inference_model, init_model, show_result
from mmseg.datasets.classes import PALETTE
from mmseg.visualization import load_result
from tests.integration.programs import ROOT, run_tool
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Configuration and checkpoint of a tiny DAFormer run."""
    folder = tmp_path_factory.mktemp('trained')
    config = write_config(folder, tiny_config(tiny_data))
    with pytest.MonkeyPatch.context() as patch:
        assert run_tool(patch, 'train', config, '--work-dir', folder / 'run') == 0
    return config, folder / 'run' / 'latest.pth'


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


def test_ctrl_c_saves_and_prints_the_command(tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data)
    config['runner']['max_iters'] = 5000
    config['checkpoint_config']['interval'] = 5000
    config['data']['workers_per_gpu'] = 2
    path = write_config(tmp_path, config)
    command = [
        sys.executable,
        'tools/train.py',
        str(path),
        '--work-dir',
        str(tmp_path / 'run'),
        '--no-validate',
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if 'Iter [4/' in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert 'Traceback' not in errors
    saved = int(re.search(r'Stopped after iteration (\d+)', errors)[1])
    assert (tmp_path / 'run' / f'iter_{saved}.pth').is_file()
    typed = shlex.split(errors.strip().splitlines()[-1])
    assert typed[0] == 'python'
    assert '--resume' in typed
    again = [sys.executable, *typed[1:], '--cfg-options', f'runner.max_iters={saved + 1}']
    done = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert f'at iteration {saved}' in done.stdout


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


def damaged_statistics(data: Path) -> Path:
    return cut(data / 'gta' / 'samples_with_class.json')


DATA_FAULTS: dict[str, Callable[[Path], Path]] = {
    'cut picture': lambda data: cut(picture_of(data)),
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
