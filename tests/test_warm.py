"""Forked programs do what started ones do."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm

TELL = """
import json, os, sys
print(json.dumps([sys.argv, os.getcwd(), sorted(os.environ), sys.path[0], __name__, os.getsid(0) == os.getpid()]))
print('error', file=sys.stderr)
import beside
"""


def test_a_program_has_what_a_new_interpreter_gives_it(tmp_path: Path) -> None:
    (tmp_path / 'tell.py').write_text(TELL)
    (tmp_path / 'beside.py').write_text("print('beside')")
    folder = tmp_path / 'elsewhere'
    folder.mkdir()
    words, environment = [str(tmp_path / 'tell.py'), 'one', '-x'], {'ONLY': 'this', 'LC_CTYPE': 'C.UTF-8'}
    warmed = warm.run(words, cwd=folder, env=environment)
    fresh = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (warmed.returncode, warmed.stdout, warmed.stderr) == (0, fresh.stdout, fresh.stderr)
    assert json.loads(warmed.stdout.splitlines()[0])[-1] is False


@pytest.mark.parametrize(
    'code',
    [
        'raise SystemExit(3)',
        'raise SystemExit("a text")',
        '1 / 0',
        'import os, signal; os.kill(os.getpid(), signal.SIGTERM)',
        'import atexit, sys; atexit.register(print, "the end"); sys.exit()',
        'import os; os._exit(7)',
    ],
)
def test_it_ends_as_others_do(code: str, tmp_path: Path) -> None:
    (tmp_path / 'end.py').write_text(code)
    words = [str(tmp_path / 'end.py')]
    warmed = warm.run(words)
    fresh = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert (warmed.returncode, warmed.stdout) == (fresh.returncode, fresh.stdout)
    assert warmed.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def test_signals_reach_it_alone(tmp_path: Path) -> None:
    (tmp_path / 'wait.py').write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    read, write = os.pipe()
    first, second = (
        warm.start([str(tmp_path / 'wait.py')], stdout=write, stderr=write, start_new_session=True)
        for _ in range(2)
    )
    os.close(write)
    with os.fdopen(read) as said:
        assert [said.readline(), said.readline()] == ['here\n', 'here\n']
    assert (os.getsid(first.pid), os.getsid(second.pid)) == (first.pid, second.pid)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == -signal.SIGTERM
    assert second.poll() is None
    second.kill()
    assert second.wait(60) == -signal.SIGKILL


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    code = 'import os, time\nopen("pid", "w").write(str(os.getpid()))\ntime.sleep(60)\n'
    (tmp_path / 'wait.py').write_text(code)
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run([str(tmp_path / 'wait.py')], cwd=tmp_path, timeout=2)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / 'pid').read_text()), 0)


def test_what_runs_ends_with_the_tests(tmp_path: Path) -> None:
    """Even when they were killed: a training that goes on for ever would take the processor from all that follows."""
    (tmp_path / 'wait.py').write_text("import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    read, write = os.pipe()
    killed = (
        f'import os, signal\nfrom tests import warm\n'
        f'warm.start([{str(tmp_path / "wait.py")!r}], stdout={write}, stderr={write}, start_new_session=True)\n'
        f'os.read({read}, 1)\n'
        f'os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, '-c', killed], cwd=root, pass_fds=[read, write], timeout=120, check=False)
    os.close(write)
    found = b'something'
    while found and select.select([read], [], [], 20)[0]:
        found = os.read(read, 10)
    os.close(read)
    assert found == b''  # the end: nobody is left who could write
