"""Exit codes and messages of programs."""

import errno
import runpy
import shlex
import signal
import sys
from argparse import ArgumentError, ArgumentParser
from pathlib import Path
from typing import Any

import pytest

from mmseg.cli import opacity, positional, run_cli, started_as, whole_number
from mmseg.errors import ConfigError, DataError
from mmseg.processes import Stopped


def leave(error: BaseException | None) -> int:
    @run_cli
    def main() -> None:
        if error is not None:
            raise error

    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ('error', 'code', 'message'),
    [
        (None, 0, ''),
        (DataError('x.png: damaged.'), 1, 'x.png: damaged.\n'),
        (ConfigError('unknown key "a".'), 2, 'unknown key "a".\n'),
        (KeyboardInterrupt(), 130, 'Stopped by Ctrl-C.\n'),
        (Stopped(signal.SIGUSR2), 140, 'Stopped by SIGUSR2; there was nothing to save.\n'),
        (MemoryError(), 1, 'The memory of the machine ran out.'),
        (OSError(errno.ENOSPC, 'No space left on device', 'a.png'), 1, 'a.png: the disk is full.'),
        (
            PermissionError(errno.EACCES, 'Permission denied', '/run'),
            1,
            '/run: cannot be used (Permission denied).',
        ),
        (
            NotADirectoryError(errno.ENOTDIR, 'Not a directory', 'a/b'),
            1,
            'a/b: cannot be used (Not a directory).',
        ),
    ],
)
def test_exit_codes(error: BaseException | None, code: int, message: str, capsys: Any) -> None:
    assert leave(error) == code
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize('defect', [ZeroDivisionError(), OSError(errno.EINVAL, 'Invalid argument', 'x')])
def test_other_exceptions_keep_their_traceback(defect: Exception) -> None:
    @run_cli
    def main() -> None:
        raise defect

    with pytest.raises(type(defect)):
        main()


def test_debug_adds_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr('sys.argv', ['program', '--debug'])
    assert leave(DataError('x.png: damaged.')) == 1
    assert 'Traceback' in capsys.readouterr().err


def test_numbers_on_the_command_line() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument('--n', type=whole_number(1))
    parser.add_argument('--opacity', type=opacity)
    given = parser.parse_args(['--n', '1', '--opacity', '1'])
    assert (given.n, given.opacity) == (1, 1.0)
    for option, text in (('--n', '0'), ('--n', '-2'), ('--n', '1.5'), ('--n', 'x'), ('--opacity', '0')):
        with pytest.raises(ArgumentError, match=rf'{option}.*{text}'):
            parser.parse_args([f'{option}={text}'])


ROOT = Path(__file__).resolve().parents[1]


def arguments(program: dict[str, Any], words: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(sys, 'argv', words)
    return vars(program['parse_arguments']())


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('tools/train.py', ['a b.py', '--resume-from=x.pth', '--work-dir=-w', '--seed', '3', '--amp', '--det']),
        ('tools/train.py', ['--no-val', '--options', 'a=1', 'b="c d"', '--cfg-options', 'c=[1,2]', '--', '-x.py']),
        ('tools/train.py', ['x.py', '--work-dir', "it's $HOME", '--load-from=w', '--resume', '--launcher', 'pytorch']),
        ('run_experiments.py', ['--exp', 'daformer-7', '--only', '*s1', 'a b', '--gpus=2', '--debug']),
        ('run_experiments.py', ['--config=-x.py', '--cfg', 'a=1', '--startup', '--built', '--resume']),
    ],
)  # fmt: skip
def test_command_to_resume_means_the_same(
    name: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ('LOCAL_WORLD_SIZE', 'MMSEG_SCRIPT'):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys.modules['__main__'], '__spec__', None)  # pytest, where one process runs all tests
    program = runpy.run_path(str(ROOT / name))
    given = arguments(program, [name, *words], monkeypatch)
    parsed = program['parse_arguments']()
    command = (
        program['resume_command'](parsed, Path('work dir'))
        if name == 'tools/train.py'
        else program['command_to_resume'](parsed)
    )
    typed = shlex.split(command)
    again = arguments(program, typed[typed.index(name) :], monkeypatch)
    expected = {**given, 'resume': True}
    if name == 'tools/train.py':
        config = given['config'] if given['config'] != '-x.py' else './-x.py'
        expected |= {'resume_from': None, 'work_dir': 'work dir', 'config': config}
    assert again == expected


def test_command_of_a_shell_script(monkeypatch: pytest.MonkeyPatch) -> None:
    program = runpy.run_path(str(ROOT / 'run_experiments.py'))
    monkeypatch.setattr(sys, 'argv', ['run_experiments.py', '--exp', '7', '--only', 'a*'])
    monkeypatch.setenv('MMSEG_SCRIPT', 'my dir/run_exp.sh')
    monkeypatch.setenv('MMSEG_GPU', '1')
    command = program['command_to_resume'](program['parse_arguments']())
    assert command == "sh 'my dir/run_exp.sh' 7 1 --resume --gpus=1 --only 'a*'"


def test_start_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'orig_argv', ['python3', '-u', 'x.py'])
    monkeypatch.setattr(sys.modules['__main__'], '__spec__', None)
    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    assert started_as('x.py') == ['python3', 'x.py']
    monkeypatch.setattr(sys.modules['__main__'], '__spec__', type('', (), {'name': 'tools.train'}))
    assert started_as('x.py') == ['python3', '-m', 'tools.train']
    launched = [sys.executable, '-m', 'torch.distributed.run']
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    assert started_as('x.py') == [*launched, '--standalone', '--nproc_per_node=2', 'x.py']
    several = {'GROUP_WORLD_SIZE': '2', 'GROUP_RANK': '1', 'MASTER_ADDR': 'host', 'MASTER_PORT': '29500'}
    for name, value in several.items():
        monkeypatch.setenv(name, value)
    options = [
        '--nnodes=2',
        '--node_rank=1',
        '--master_addr=host',
        '--master_port=29500',
        '--nproc_per_node=2',
    ]
    assert started_as('x.py') == [*launched, *options, 'x.py']


def test_paths_are_no_options() -> None:
    assert [positional(path) for path in ('a b', '-a', Path('/x'))] == ['a b', './-a', '/x']
