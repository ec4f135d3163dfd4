"""Pages of runs that go on."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mmseg.errors import DataError, UsageError
from mmseg.toolbox.reports.live import HOST, LivePage, open_server, write_run_report
from tests.toolbox.reports.pages import Page, trained, with_result


@contextmanager
def served(page: LivePage) -> Iterator[int]:
    """The port of a server that runs as long as the block."""
    with open_server(page, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def ask(port: int, path: str, host: str | None = None, method: str = 'GET') -> tuple[int, str, str | None]:
    """Status, text and kind of an answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request(method, path, headers={} if host is None else {'Host': host})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers['Content-Type']


def test_page_of_a_run_in_its_folder(tmp_path: Path) -> None:
    folder = trained(tmp_path / 'mine')
    assert write_run_report(folder) == folder / 'report.html'
    text = (folder / 'report.html').read_text()
    assert {'curves', 'previews', 'classes', 'facts'} <= {*Page(text).ids}
    assert 'data-version' not in text
    with pytest.raises(DataError):
        write_run_report(tmp_path / 'mine' / 'class_mix_debug')


def test_a_page_is_made_again_only_when_something_has_changed(tmp_path: Path) -> None:
    folder = trained(tmp_path / 'mine')
    page = LivePage([tmp_path], 'Heading')
    first = page.html()
    assert page.html() is first
    assert f'data-version="{page.version()}"' in first
    (folder / 'notes.txt').write_text('not shown')
    assert page.html() is first
    with_result(folder)
    assert page.html() is not first
    with next(folder.glob('*.log.json')).open('a') as file:
        file.write('{"mode": "train", "iter": 2050, "loss": 1}\n')
    assert '2050 of 2000' in page.html()
    before = page.version()
    (folder / 'class_mix_debug' / '001001_0.png').unlink()
    assert page.version() != before


def test_it_waits_for_the_first_line_of_a_log(tmp_path: Path) -> None:
    page = LivePage([tmp_path])
    assert 'http-equiv="refresh"' in page.html()
    assert Page(page.html()).tags['h1'] == 1
    (tmp_path / 'new').mkdir()
    log = tmp_path / 'new' / '1.log.json'
    log.write_text('')
    assert 'is empty' in page.html()
    log.write_text('{"seed": 0}\n')
    assert f'data-version="{page.version()}"' in page.html()


def test_what_is_served(tmp_path: Path) -> None:
    trained(tmp_path / 'mine')
    page = LivePage([tmp_path])
    with served(page) as port:
        assert ask(port, '/') == (200, page.html(), 'text/html; charset=utf-8')
        assert ask(port, '/version?x') == (200, page.version(), 'text/plain; charset=utf-8')
        assert ask(port, '/mine/mine.py')[0] == 404
        assert ask(port, '/../mine/run.py')[0] == 404
        assert ask(port, '/', method='POST')[0] == 501


def test_only_this_machine_is_answered(tmp_path: Path) -> None:
    trained(tmp_path / 'mine')
    with served(LivePage([tmp_path])) as port:
        for host in (f'localhost:{port}', 'localhost', f'127.0.0.1:{port}', '[::1]:8765'):
            assert ask(port, '/version', host)[0] == 200
        for host in (
            'example.org',
            f'example.org:{port}',
            'localhost.example.org',
            '',
            '127.0.0.1.example.org:80',
        ):
            assert ask(port, '/', host)[0] == 403


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    page = LivePage([tmp_path])
    with open_server(page, 0) as server, pytest.raises(UsageError, match=r'Port \d+ .*--port'):
        open_server(page, server.server_address[1])


@pytest.mark.parametrize(
    ('error', 'told'), [(BrokenPipeError, False), (ConnectionResetError, False), (ZeroDivisionError, True)]
)
def test_a_reader_that_leaves_is_not_worth_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: type[Exception], told: bool
) -> None:
    """A tab that is closed while its page is made; other errors are shown."""
    with open_server(LivePage([trained(tmp_path / 'mine')]), 0) as server:
        try:
            raise error
        except error:
            server.handle_error(None, (HOST, 1))
    assert (error.__name__ in capsys.readouterr().err) == told
