"""The wheel in an environment of its own: what a user types who has no checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.integration.programs import ROOT
from tests.test_style import tracked

pytestmark = pytest.mark.slow


def run(*words: object, cwd: Path) -> str:
    """Output of a command that has to work, without anything of this checkout on the path."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(('PYTHON', 'MMSEG'))
    }
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope='module')
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder bin of an environment with the wheel; what it requires is borrowed from this one."""
    folder = tmp_path_factory.mktemp('wheel')
    for path in tracked():
        if path.parts[0] != 'tests':
            (folder / 'source' / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, folder / 'source' / path)
    pip = (sys.executable, '-m', 'pip', '--disable-pip-version-check')
    run(*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', '.', './source', cwd=folder)
    (wheel,) = folder.glob('mmseg_uda-*.whl')
    venv.create(folder / 'environment')
    python = folder / 'environment/bin/python'
    run(*pip, f'--python={python}', 'install', '--no-deps', '--no-index', wheel, cwd=folder)
    (site,) = (folder / 'environment/lib').glob('python*/site-packages')
    (site / 'borrowed.pth').write_text(sysconfig.get_path('purelib'))
    shutil.rmtree(folder / 'source')
    return python.parent


def test_from_an_installation_to_a_picture(programs: Path, tmp_path: Path) -> None:
    command = programs / 'mmseg-uda'

    def ask(*words: object) -> str:
        return run(command, *words, cwd=tmp_path)

    where = run(programs / 'python', '-c', 'import mmseg; print(mmseg.__file__)', cwd=tmp_path)
    assert where.startswith(str(programs.parent))
    assert 'builtin_daformer' in ask('list', 'configs', 'demo/*')
    assert 'DAFormerHead' in run(programs / 'python', '-m', 'mmseg', 'list', 'heads', cwd=tmp_path)
    assert 'gtaHR2csHR' in ask('experiments', '--exp', '40', '--dry-run')
    assert 'pretrained/mit_b5.pth' in ask('download', '--dry-run', 'mit_b5')
    for layout in ('gta', 'cityscapes'):
        ask('make-scenes', f'data/builtin/{layout}', '--layout', layout, '--count', 8)
        assert 'labels converted' in ask('convert', layout, f'data/builtin/{layout}')
    assert 'Verdict: sound' in ask('check', 'data/builtin/gta', '--min-pixels', 10)
    assert ask('config', 'builtin_source_only', '--out', 'mine.py') == 'mine.py\n'
    options = ['runner.max_iters=2', 'data.samples_per_gpu=1', 'data.workers_per_gpu=0']
    ask('train', 'mine.py', '--work-dir', 'run', '--no-validate', '--cfg-options', *options)
    assert 'mIoU' in ask('test', 'run/mine.py', 'run/latest.pth', '--eval', 'mIoU')
    picture = next((tmp_path / 'data/builtin/cityscapes/leftImg8bit/val').rglob('*.png'))
    assert 'Save prediction to' in ask('demo', picture, 'run/mine.py', 'run/latest.pth', '--out-dir', '.')
    assert (tmp_path / f'{picture.stem}_pred.png').is_file()
    assert 'Save prediction to' in ask('demo', picture, 'run', '--out-dir', 'again')
    (tmp_path / 'own.py').write_text("_base_ = 'configs/demo/builtin_source_only.py'\nseed = 5\n")
    assert 'seed = 5' in ask('print-config', 'own.py')


def test_experiments_run_from_an_installation(programs: Path, tmp_path: Path) -> None:
    options = ('--startup-test', '--builtin-data', '--only', '*source-only*')
    said = run(programs / 'mmseg-uda', 'experiments', '--exp', '101', *options, cwd=tmp_path)
    assert said.splitlines()[-1] == '1 of 1 runs finished.'
