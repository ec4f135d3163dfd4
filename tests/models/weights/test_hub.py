"""Pinned files of the hub: from a folder, from the cache, by download, and what is said when they cannot be had."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

from mmseg.errors import CheckpointError
from mmseg.fileio import sha256_of
from mmseg.models.weights import resolve_weights, write_weights

COMMIT = '0123456789abcdef0123456789abcdef01234567'
REPO = 'owner/vit_thin.tag'


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """The file that the hub has."""
    path = tmp_path / 'original.safetensors'
    write_weights(path, {'a': torch.arange(4.0)})
    return path


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: Path) -> Iterator[list[str]]:
    """A hub on this machine with one file; gives the paths that were asked for."""
    asked: list[str] = []
    content = original.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            known = self.path == f'/{REPO}/resolve/{COMMIT}/model.safetensors'
            asked.append(self.path)
            self.send_response(200 if known else 404)
            if known:
                self.send_header('ETag', '"tag"')
                self.send_header('X-Repo-Commit', COMMIT)
                self.send_header('Content-Length', str(len(content)))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nothing on the terminal."""

    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    isolate(monkeypatch, tmp_path, f'http://127.0.0.1:{server.server_port}')
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path, endpoint: str) -> None:
    """A cache of one's own and another place of the hub."""
    (folder / 'work').mkdir()
    monkeypatch.chdir(folder / 'work')
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_CACHE', str(folder / 'cache'))
    monkeypatch.setattr(huggingface_hub.constants, 'ENDPOINT', endpoint)
    template = f'{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}'
    monkeypatch.setattr(huggingface_hub.constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)


def pinned(original: Path, file: str = '') -> str:
    return f'hf-hub:{REPO}@{COMMIT}{file}#{sha256_of(original)}'


def test_a_pinned_file_is_downloaded_once(hub: list[str], original: Path) -> None:
    path = resolve_weights(pinned(original))
    assert path.read_bytes() == original.read_bytes()
    asked = len(hub)
    assert asked >= 1
    assert resolve_weights(pinned(original)) == path
    assert len(hub) == asked


def test_other_content_than_pinned_is_an_error(hub: list[str], original: Path) -> None:
    with pytest.raises(
        CheckpointError, match=f'sha256 {sha256_of(original)}, but pretrained pins {"0" * 64}'
    ):
        resolve_weights(f'hf-hub:{REPO}@{COMMIT}#{"0" * 64}')


def test_a_file_that_the_hub_does_not_have(hub: list[str], original: Path) -> None:
    with pytest.raises(CheckpointError, match=r'other\.bin of .owner/vit_thin\.tag.*hf download'):
        resolve_weights(pinned(original, '/folder/other.bin'))


def test_offline_it_says_where_to_put_the_file_and_then_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: Path
) -> None:
    isolate(monkeypatch, tmp_path, 'http://127.0.0.1:9')
    monkeypatch.setattr(huggingface_hub.constants, 'HF_HUB_OFFLINE', True)
    wanted = (
        r'neither at pretrained/vit_thin\.tag\.safetensors nor in the cache.*hf download owner/vit_thin\.tag'
    )
    with pytest.raises(CheckpointError, match=wanted):
        resolve_weights(pinned(original))
    kept = Path('pretrained/vit_thin.tag.safetensors')
    kept.parent.mkdir()
    kept.write_bytes(original.read_bytes())
    assert resolve_weights(pinned(original)) == kept


@pytest.mark.parametrize(
    'source',
    [
        f'hf-hub:{REPO}',
        f'hf-hub:{REPO}@main#{"0" * 64}',
        f'hf-hub:{REPO}@{COMMIT}',
        f'hf-hub:{REPO}@{COMMIT}#abcdef',
        f'hf-hub:{REPO}@{COMMIT}/../x#{"0" * 64}',
    ],
)
def test_what_is_not_pinned_is_refused(source: str) -> None:
    with pytest.raises(CheckpointError, match=r'expected hf-hub:OWNER/NAME@COMMIT#SHA256'):
        resolve_weights(source)
