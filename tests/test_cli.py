"""Exit codes and messages of programs."""

import errno
from argparse import ArgumentError, ArgumentParser
from typing import Any

import pytest

from mmseg.cli import opacity, run_cli, whole_number
from mmseg.errors import ConfigError, DataError


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
