"""The shell scripts at the root of the repository, with a stand-in for Python that tells what it was called with.

That the real programs understand these words is shown by the examples of the scripts (test_examples.py).
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmseg.apis import init_model
from mmseg.uda.instance_bank.files import read_bank
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config

SCRIPTS = ('run_exp', 'run_config', 'test', 'demo')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty working directory with a space in its name, and the stand-in beside it."""
    stand_in = tmp_path / 'python'
    stand_in.write_text(
        '#!/bin/sh\n[ -z "${CODE-}" ] || echo failed >&2\n'
        'case $1 in */has_data.py) exit ${NO_DATA-0} ;; */need_gpus.py) exit ${NO_GPU-0} ;; esac\n'
        'printf "[%s]" "${CUDA_VISIBLE_DEVICES-unset}" "$@"\necho\nexit ${CODE-0}\n'
    )
    stand_in.chmod(0o755)
    found = tmp_path / 'work dir'
    found.mkdir()
    return found


def run(folder: Path, name: str, *words: object, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != 'CUDA_VISIBLE_DEVICES'}
    environment |= {'PYTHON': str(folder.parent / 'python'), **settings}
    command = ['sh', str(ROOT / f'{name}.sh'), *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def written(file: Path) -> str:
    """What a process in the background has written."""
    for _ in range(500):
        if file.is_file() and file.read_text().endswith('\n'):
            break
        time.sleep(0.02)
    return file.read_text()


def make_run(folder: Path, name: str, *files: str) -> Path:
    found = folder / name
    found.mkdir(parents=True)
    for file in ('latest.pth', *files):
        (found / file).touch()
    return found


@pytest.mark.parametrize('name', SCRIPTS)
def test_usage(folder: Path, name: str) -> None:
    asked, forgotten = run(folder, name, '--help'), run(folder, name)
    assert (asked.returncode, forgotten.returncode) == (0, 2)
    assert asked.stdout.startswith(f'usage: sh {name}.sh ')
    assert forgotten.stderr == asked.stdout


@pytest.mark.parametrize(
    ('words', 'devices', 'options'),
    [(('7',), 'unset', ''), (('7', '1'), '1', ''), (('7', 'cpu', '--resume'), '', '[--resume]')],
)
def test_an_experiment_in_the_background(
    folder: Path, words: tuple[str, ...], devices: str, options: str
) -> None:
    assert run(folder, 'run_exp', *words).returncode == 0
    program = f'{ROOT}/run_experiments.py'
    assert written(folder / 'run_exp_7.out') == f'[{devices}][{program}][--exp][7]{options}\n'
    answer = run(folder, 'run_exp', *words, '--debug')
    assert answer.stdout.endswith('writes to run_exp_7_2.out\n'), 'a file of its own'
    assert written(folder / 'run_exp_7_2.out').endswith(f'{options}[--debug]\n')


@pytest.mark.parametrize(('name', 'what'), [('run_exp', '7'), ('run_config', 'c.py')])
def test_a_gpu_that_is_not_there(folder: Path, name: str, what: str) -> None:
    (folder / 'c.py').touch()
    refused = run(folder, name, what, '3', NO_GPU='1')
    assert (refused.returncode, refused.stdout, list(folder.glob('*.out'))) == (2, '', [])
    assert run(folder, name, what, '3', '--dry-run', NO_GPU='1').returncode == 0
    assert run(folder, name, what, 'cpu', NO_GPU='1').returncode == 0


@pytest.mark.skipif(torch.cuda.device_count() > 98, reason='needs a GPU that is not there')
def test_what_is_said_of_a_gpu_that_is_not_there(folder: Path) -> None:
    refused = run(folder, 'run_exp', '7', '0,98', PYTHON=sys.executable)
    assert refused.returncode == 2
    assert refused.stderr.startswith('GPU 0,98: found ')


def test_a_configuration_in_the_background(folder: Path) -> None:
    (folder / 'my config.py').touch()
    answer = run(folder, 'run_config', 'my config.py', '0,1', '--cfg-options', 'a=b')
    assert answer.stdout.endswith('writes to run_config_my config.out\n')
    wanted = f'[0,1][{ROOT}/run_experiments.py][--config][my config.py][--cfg-options][a=b]\n'
    assert written(folder / 'run_config_my config.out') == wanted
    default = run(folder, 'run_config', '0')
    assert default.stdout.endswith('writes to run_config_gta2cs_dida.out\n')
    wanted = f'[0][{ROOT}/run_experiments.py][--config][{ROOT}/configs/dida/gta2cs_dida.py]\n'
    assert written(folder / 'run_config_gta2cs_dida.out') == wanted
    missing = run(folder, 'run_config', 'other.py')
    assert (missing.returncode, missing.stderr) == (
        2, 'other.py: no such file; expected a configuration, Python or JSON.\n',
    )  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'files', 'config'),
    [
        ('211108_s0_7f24c', ('x_7f24c.json', 'a.json', '20211108_1.log.json'), 'x_7f24c.json'),
        ('our run', ('20261122_1.log.json', 'result_student.json', 'run.json'), 'run.json'),
        ('our run', ('20261122_1.log.json', 'run.py'), 'run.py'),
    ],
)
def test_the_run_of_a_folder(folder: Path, name: str, files: tuple[str, ...], config: str) -> None:
    make_run(folder, f'work dirs/{name}', *files)
    where = f'work dirs/{name}'
    answer = run(folder, 'test', f'{where}//', '--network', 'teacher')
    assert answer.returncode == 0
    words = (
        f'[unset][{ROOT}/tools/test.py][{where}/{config}][{where}/latest.pth]'
        f'[--show-dir][{where}/preds][--opacity][1][--eval][mIoU][--network][teacher]\n'
    )
    assert answer.stdout == (
        f'Config file: {where}/{config}\nCheckpoint: {where}/latest.pth\nPredictions: {where}/preds\n{words}'
    )
    assert (folder / where / 'preds/pre_log.out').read_text() == words
    shown = run(folder, 'demo', 'my picture.png', f'{where}/', '--opacity', '1')
    assert shown.stdout == (
        f'[unset][{ROOT}/demo/image_demo.py][my picture.png][{where}/{config}][{where}/latest.pth][--opacity][1]\n'
    )


@pytest.mark.parametrize('option', [('--hrda-out', 'ATT'), ('--hrda-out=LR',)])
def test_what_one_scale_sees_has_a_folder_of_its_own(folder: Path, option: tuple[str, ...]) -> None:
    make_run(folder, 'run', 'run.json')
    answer = run(folder, 'test', 'run', *option)
    scores = '' if 'ATT' in option else '[--eval][mIoU]'
    preds = 'run/preds_ATT' if 'ATT' in option else 'run/preds_LR'
    words = ''.join(f'[{word}]' for word in option)
    assert answer.stdout.endswith(f'[--show-dir][{preds}][--opacity][1]{scores}{words}\n')
    assert (folder / preds / 'pre_log.out').is_file()


def test_a_test_that_fails_and_folders_without_a_run(folder: Path) -> None:
    make_run(folder, 'run', 'run.json')
    failed = run(folder, 'test', 'run', CODE='3')
    assert failed.returncode == 3
    assert (folder / 'run/preds/pre_log.out').read_text().startswith('failed\n')
    (folder / 'run/run.json').unlink()
    assert 'holds no configuration' in run(folder, 'test', 'run').stderr
    (folder / 'run/latest.pth').unlink()
    assert 'holds no latest.pth' in run(folder, 'test', 'run').stderr
    assert 'no such folder' in run(folder, 'demo', 'a.png', 'nothing/').stderr


def test_the_demo_takes_a_configuration_and_a_checkpoint(folder: Path) -> None:
    (folder / 'c.py').touch()
    shown = run(folder, 'demo', 'a.png', 'c.py', 'c.pth')
    assert shown.stdout == f'[unset][{ROOT}/demo/image_demo.py][a.png][c.py][c.pth]\n'
    assert run(folder, 'demo', 'a.png').returncode == 2
    shown = run(folder, 'demo', 'c.py', 'c.pth', '--opacity', '1')
    assert shown.stdout == (
        'Predictions: demo_predictions\n'
        f'[unset][{ROOT}/tools/test.py][--show-dir][demo_predictions][c.py][c.pth][--opacity][1]\n'
    )
    shown = run(folder, 'demo', 'c.py', 'c.pth', '--opacity', '1', NO_DATA='1')
    assert shown.stdout.endswith(
        f'[unset][{ROOT}/demo/image_demo.py][{ROOT}/demo/street.jpg][c.py][c.pth][--opacity][1]'
        '[--out-dir][demo_predictions]\n'
    )


@pytest.mark.parametrize('place', ['preds', 'preds/pre_log.out'])
def test_links_in_the_folder_of_a_stranger(place: str, folder: Path) -> None:
    make_run(folder, 'run', 'run.json')
    (folder / 'mine').write_text('mine')
    (folder / 'run' / place).parent.mkdir(exist_ok=True)
    (folder / 'run' / place).symlink_to(folder / 'mine')
    answer = run(folder, 'test', 'run')
    assert answer.returncode == 2
    assert f'run/{place}: a link' in answer.stderr
    assert (folder / 'mine').read_text() == 'mine'


@pytest.mark.slow
def test_the_demo_before_any_data_exist(folder: Path) -> None:
    """With the real programs: a configuration and weights are all there is."""
    config = tiny_config(Path('data'))
    write_config(folder, config)
    torch.save({'state_dict': init_model(config).state_dict()}, folder / 'x.pth')
    shown = run(folder, 'demo', next(folder.glob('*.json')).name, 'x.pth', PYTHON=sys.executable)
    assert shown.returncode == 0, shown.stderr
    assert 'a drawn street is taken instead' in shown.stdout
    assert 'Save prediction to demo_predictions/street_pred.jpg' in shown.stdout
    assert (folder / 'demo_predictions/street_pred.jpg').is_file()


@pytest.mark.slow
def test_a_bank_of_random_rows_where_dida_has_it(folder: Path) -> None:
    command = [sys.executable, str(ROOT / 'create_buffer.py')]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert 'uda.instance_bank.bank_file=embedding_cache' in done.stdout
    features, labels = read_bank(folder / 'embedding_cache')
    assert (features.shape, labels.max()) == ((300, 256), 18)
