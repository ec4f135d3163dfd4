"""tools/download_checkpoints.sh against a local server."""

import hashlib
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from mmseg.models import build_segmentor
from mmseg.models.weights import relayout
from tests.models.tiny import segmentor

SCRIPT = Path(__file__).resolve().parents[2] / 'tools' / 'download_checkpoints.sh'
CONTENT = bytes(range(256)) * 40
MARK = hashlib.sha256(CONTENT).hexdigest()[:8]


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``ranges`` says whether it can start in the middle; ``asked`` has all range headers."""

    def __init__(self) -> None:
        super().__init__(('localhost', 0), Handler)
        self.files: dict[str, bytes] = {'x.pth': CONTENT}
        self.ranges = True
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f'http://localhost:{self.server_address[1]}'


class Handler(BaseHTTPRequestHandler):
    """Plain and partial downloads."""

    server: Server

    def do_GET(self) -> None:
        wanted = self.headers['Range']
        self.server.asked.append(wanted)
        content = self.server.files.get(self.path.rpartition('/')[2])
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix('bytes=').rstrip('-')) if wanted and self.server.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(content) - 1}/{len(content)}')
        self.send_header('Content-Length', str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:])

    def log_message(self, *words: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    lines = [
        f'x  pretrained/x.pth {MARK} keep {server.url}/x.pth',
        f'mit_b0 pretrained/mit_b0.pth - mit {server.url}/other.pth  # a comment',
        'run work_dirs/run_0123f - unpack -',
    ]
    (tmp_path / 'table.txt').write_text('# names\n\n' + '\n'.join(lines) + '\n')
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, output, errors of the script in a folder with a table of its own."""
    command = ['sh', str(SCRIPT), '--table', 'table.txt', *words]
    surroundings = {**os.environ, 'PYTHON': sys.executable}
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_file_is_downloaded_once(folder, server) -> None:
    assert run(folder, 'x')[0] == 0
    assert (folder / 'pretrained/x.pth').read_bytes() == CONTENT
    code, text, _ = run(folder, 'x')
    assert (code, 'x.pth is there' in text, len(server.asked)) == (0, True, 1)
    assert 'is there' in run(folder, '--list')[1]
    assert [path.name for path in (folder / 'pretrained').iterdir()] == ['x.pth']


@pytest.mark.parametrize('ranges', [True, False])
def test_a_download_that_was_cut_off_goes_on(folder, server, ranges) -> None:
    server.ranges = ranges
    (folder / 'pretrained').mkdir()
    (folder / 'pretrained/.x.pth.part').write_bytes(CONTENT[:5000])
    code, _, errors = run(folder, 'x')
    assert code == 0, errors
    assert server.asked == ['bytes=5000-'] + ([] if ranges else [None])
    assert (folder / 'pretrained/x.pth').read_bytes() == CONTENT


def test_other_content_is_deleted(folder, server) -> None:
    server.files['x.pth'] = b'<html>please log in</html>'
    code, _, errors = run(folder, 'x')
    assert code == 1
    assert f'expected {MARK}' in errors
    assert f'open {server.url}/x.pth in a browser' in errors
    assert 'not there: x' in errors
    assert list((folder / 'pretrained').iterdir()) == []


def test_failures_explain_how_to_get_the_file(folder, server) -> None:
    del server.files['x.pth']
    code, _, errors = run(folder, 'all')
    assert code == 1
    assert '404' in errors
    assert "SegFormer's README" in errors
    assert 'run_0123f.tar.gz by hand: the README of the project' in errors
    assert '--from file://FOLDER_OF_THE_FILE run' in errors
    assert 'not there: x mit_b0 run' in errors


def archive(path: Path, member: str) -> None:
    """An archive with one small file."""
    source = path.with_suffix('.source')
    source.write_text('{}')
    with tarfile.open(path, 'w:gz') as packed:
        packed.add(source, member)


def test_archives_are_unpacked_from_a_folder(folder) -> None:
    archive(folder / 'run_0123f.tar.gz', 'run_0123f/run_0123f.json')
    code, _, errors = run(folder, '--from', f'file://{folder}', 'run')
    assert code == 0, errors
    assert (folder / 'work_dirs/run_0123f/run_0123f.json').read_text() == '{}'
    assert [path.name for path in (folder / 'work_dirs').iterdir()] == ['run_0123f']


def test_archives_that_leave_their_folder_are_refused(folder) -> None:
    archive(folder / 'run_0123f.tar.gz', '../outside.json')
    code, _, errors = run(folder, '--from', f'file://{folder}', 'run')
    assert code == 1
    assert 'would write outside' in errors
    assert not (folder / 'outside.json').exists()


def test_without_names_the_usual_ones_are_taken(folder, server) -> None:
    with (folder / 'table.txt').open('a') as table:
        table.write('# usual: x\n')
    code, text, errors = run(folder)
    assert code == 0, errors
    assert 'work_dirs/run_0123f' in text, 'all are listed'
    assert text.endswith('x: done\n')
    assert [path.name for path in (folder / 'pretrained').iterdir()] == ['x.pth']


def test_usage(folder) -> None:
    assert run(folder, 'y')[0] == run(folder, '--none')[0] == run(folder, '--from')[0] == 2
    code, text, _ = run(folder, '--dry-run', 'all')
    assert code == 0
    assert f'pretrained/x.pth (keep, sha256 {MARK})' in text
    assert not (folder / 'pretrained').exists()


@pytest.mark.slow
def test_transformer_weights_get_the_official_names(folder, server) -> None:
    values = build_segmentor(segmentor()).state_dict()
    torch.save(relayout(values, 'smp'), folder / 'other.pth')
    server.files['other.pth'] = (folder / 'other.pth').read_bytes()
    code, _, errors = run(folder, 'mit_b0')
    assert code == 0, errors
    written = torch.load(folder / 'pretrained/mit_b0.pth', weights_only=True)
    assert list(written) == [key.removeprefix('backbone.') for key in values if key.startswith('backbone.')]


def test_table_of_the_repository() -> None:
    lines = [
        line.split('#')[0].split() for line in SCRIPT.with_name('checkpoints.txt').read_text().splitlines()
    ]
    entries = [line for line in lines if line]
    (usual,) = (
        text.split(':')[1].split()
        for text in SCRIPT.with_name('checkpoints.txt').read_text().splitlines()
        if text.startswith('# usual:')
    )
    assert set(usual) <= {name for name, *_ in entries}
    assert all(len(line) == 5 for line in entries)
    assert all(mark in address for _, _, mark, _, address in entries if mark != '-')
    assert {action for *_, action, _ in entries} == {'keep', 'mit', 'unpack'}
