"""The command line of a program."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.arguments import Parser, as_called
from mmseg.engine.announce import program

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (
    'examples:\n  python tools/train.py CONFIG\n  torchrun tools/train.py CONFIG\n  sh test.sh tools/train.py'
)


def test_examples_are_shown_as_the_program_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_called(EXAMPLE) == EXAMPLE
    monkeypatch.setattr(sys, 'argv', ['mmseg-uda train'])
    assert as_called('run `tools/check_data.py`, python tools/test.py C\n  python demo/image_demo.py C') == (
        'run `mmseg-uda check`, mmseg-uda test C\n  mmseg-uda demo C'
    )
    assert as_called('python /x/tools/train.py C') == 'python /x/tools/train.py C'
    assert as_called('sh tools/download_checkpoints.sh mit_b5') == 'mmseg-uda download mit_b5'
    assert as_called('python tools/convert_datasets/gta.py x') == 'mmseg-uda convert gta x'
    assert as_called('torchrun --n 2 tools/train.py C') == 'torchrun --n 2 -m mmseg train C'
    answer = Parser('What it\ndoes.', '  python run_experiments.py').format_help()
    assert answer.startswith('usage: mmseg-uda train')
    assert 'What it\ndoes.' in answer
    assert '  mmseg-uda experiments' in answer


def test_without_a_checkout_programs_have_names_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A notebook or script of somebody who has installed the package: it has no tools/."""
    assert program('test')[-1].endswith('test.py')
    monkeypatch.setattr('mmseg.arguments.INSTALLED', tmp_path)
    assert as_called('python tools/test.py CONFIG') == 'mmseg-uda test CONFIG'
    assert program('test') == ['mmseg-uda', 'test']


def test_arguments_are_those_of_argparse() -> None:
    parser = Parser('Something.')
    parser.add_argument('--n', type=int)
    assert parser.parse_args(['--n', '3']) == argparse.Namespace(n=3)


def completions(line: str, folder: Path) -> list[str]:
    """What the shell is offered for the last word of a line."""
    answer = folder / 'answer'
    environment = {
        **os.environ,
        'PYTHONPATH': str(ROOT),
        '_ARGCOMPLETE': '1',
        '_ARGCOMPLETE_IFS': '\n',
        '_ARGCOMPLETE_STDOUT_FILENAME': str(answer),
        'COMP_LINE': line,
        'COMP_POINT': str(len(line)),
    }
    command = [sys.executable, '-X', 'importtime', '-m', 'mmseg']
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ' torch\n' not in done.stderr, 'a shell waits for this'
    return [word.strip() for word in answer.read_text().split('\n')]


@pytest.mark.parametrize(
    ('line', 'offered'),
    [
        ('mmseg-uda tra', ['train']),
        ('mmseg-uda convert ci', ['cityscapes']),
        ('mmseg-uda train --resume-', ['--resume-from']),
        ('mmseg-uda convert gta --np', ['--nproc']),
        ('mmseg-uda list back', ['backbones']),
        ('mmseg-uda config hrda/', ['hrda/gtaHR2csHR_hrda']),
    ],
)
def test_the_shell_completes(line: str, offered: list[str], tmp_path: Path) -> None:
    assert completions(line, tmp_path) == offered
