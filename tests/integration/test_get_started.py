"""docs/get-started.md from top to bottom, with fewer steps."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.programs import ROOT

PAGE = (ROOT / 'docs/get-started.md').read_text(encoding='utf-8')
BLOCKS = re.findall(r'```(python)?\n(.*?)```', PAGE, re.DOTALL)

SHORTER = {
    '--exp 0': '--exp 0 --cfg-options runner.max_iters=2 evaluation.interval=2',
    'runner.max_iters=20': 'runner.max_iters=2',
    'runner.max_iters=40': 'runner.max_iters=3',
}
"""End or option of a command -> what is run in its place."""


def shortened(line: str) -> str:
    for option, short in SHORTER.items():
        line = re.sub(rf'{re.escape(option)}(?=$| uda)', short, line)
    return line


def shell(line: str, folder: Path, variables: dict[str, str]) -> str:
    done = subprocess.run(
        ['sh', '-c', line], cwd=folder, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, **variables}, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f'{line}\n{done.stdout}'
    return done.stdout


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    """All but the installation, which is the one that this test runs in."""
    for name in ('configs', 'tools', 'demo', 'run_experiments.py', 'demo.sh'):
        (tmp_path / name).symlink_to(ROOT / name)
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ['PATH']))
    said = {}
    for kind, block in BLOCKS:
        lines = block.splitlines()
        if kind:
            (tmp_path / 'from_python.py').write_text(block, encoding='utf-8')
            lines = ['python from_python.py']
        for line in lines:
            if not line.startswith(('make ', '. ')):
                variables = {'PATH': search, 'PYTHONPATH': str(ROOT)}
                said[line] = shell(shortened(line), tmp_path, variables)
    assert sum(line != shortened(line) for line in said) == len(SHORTER)
    assert len(said) == 10
    assert said['python run_experiments.py --exp 0 --dry-run'].splitlines() == [
        'builtin_source_only_s0', 'builtin_daformer_s0',
    ]  # fmt: skip
    assert 'report.html' in said['python run_experiments.py --exp 0']
    assert {path.name for path in (tmp_path / 'predictions').iterdir()} == {'street_pred.jpg', 'street.png'}
    assert list((tmp_path / 'work_dirs/mine').glob('report*.html'))
    assert (tmp_path / 'work_dirs/mine/iter_3.pth').is_file()


def test_what_installs_is_there() -> None:
    lines = [line for _, block in BLOCKS for line in block.splitlines() if line.startswith(('make ', '. '))]
    assert lines == ['make install', '. .venv/bin/activate']
    if shutil.which('make') is None:
        pytest.skip('no make on this machine')
    planned = shell('make -n install VENV=elsewhere', ROOT, {})
    assert 'elsewhere/bin/python -m pip install' in planned
    assert not (ROOT / 'elsewhere').exists()
