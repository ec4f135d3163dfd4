"""Windows and macOS lack some modules; files are UTF-8 whatever the system's own encoding is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_style import ROOT, trees

HIDDEN = ('resource', 'fcntl', 'termios', 'pwd', 'grp', 'pty', 'tty', 'syslog', 'crypt', 'spwd', 'nis')
OS = ('fork', 'getuid', 'geteuid', 'killpg', 'setsid', 'sched_getaffinity', 'statvfs', 'getloadavg', 'mkfifo')
SIGNAL = ('SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGALRM', 'SIGCHLD', 'SIGBUS', 'SIGQUIT', 'pthread_sigmask',
          'setitimer')  # fmt: skip
"""What Windows lacks."""

LIKE_WINDOWS = f"""
import filelock, matplotlib, platformdirs, torch._dynamo, torch.utils.data
import importlib.abc, os, signal, sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        importer = sys._getframe(1)
        if name in {HIDDEN!r}:
            while importer and 'importlib' in importer.f_code.co_filename:
                importer = importer.f_back
            if importer and 'mmseg' in importer.f_globals.get('__name__', ''):
                raise ModuleNotFoundError(name)
def refused(*_, **__):
    raise OSError(1314, 'A required privilege is not held by the client')
for name in {HIDDEN!r}:
    sys.modules.pop(name, None)
for module, names in ((os, {OS!r}), (signal, {SIGNAL!r})):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
os.symlink = refused
sys.meta_path.insert(0, Hidden())
"""
EVERY_MODULE = """
import importlib, pkgutil, mmseg
for module in pkgutil.walk_packages(mmseg.__path__, 'mmseg.'):
    importlib.import_module(module.name)
from mmseg.datasets.loading import raise_open_files
raise_open_files()
"""


def run_like_on_windows(tmp_path: Path, program: str, *words: object) -> subprocess.CompletedProcess[str]:
    (tmp_path / 'program.py').write_text(LIKE_WINDOWS + program, encoding='utf-8')
    command = [sys.executable, str(tmp_path / 'program.py'), *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_module_is_imported_without_what_linux_has(tmp_path: Path) -> None:
    done = run_like_on_windows(tmp_path, EVERY_MODULE)
    assert done.returncode == 0, done.stderr


def test_text_files_name_their_encoding() -> None:
    calls = [
        (path, node)
        for top in ('mmseg/', 'tools/')
        for path, tree in trees(top).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]
    problems = [f'{path}:{node.lineno}: no encoding' for path, node in calls if _is_text(node)]
    assert not problems, '\n'.join(problems)


def _is_text(node: ast.Call) -> bool:
    """Whether a call reads or writes text without ``encoding``."""
    name = getattr(node.func, 'attr', getattr(node.func, 'id', ''))
    known = ('read_text', 'write_text') if isinstance(node.func, ast.Attribute) else ('open',)
    binary = any(isinstance(arg, ast.Constant) and 'b' in str(arg.value) for arg in node.args[1:2])
    return name in known and not binary and 'encoding' not in [keyword.arg for keyword in node.keywords]
