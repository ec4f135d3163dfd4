"""Pages of runs that go on: written at each evaluation, or served and made anew when the logs have changed."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mmseg.errors import DataError, UsageError
from mmseg.toolbox.reports.details import Details
from mmseg.toolbox.reports.logs import LOG_ENDING
from mmseg.toolbox.reports.report import TITLE, render_report, write_report
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import RESULTS, find_run_folders, shown_results

HOST = '127.0.0.1'
"""Only programs of this machine reach the page: it shows paths and configurations."""
NAMES = (HOST, 'localhost', '[::1]')
SOURCES = ('*' + LOG_ENDING, *RESULTS, '*/*_0*.png')
"""What a page is made of, below the folder of a run: logs, results of tests, debug pictures."""

WAITING = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
    'content="light dark"><link rel="icon" href="data:,"><title>Waiting</title></head><body><h1>Waiting</h1>'
    '<p>{reason}</p></body></html>'
)


def write_run_report(folder: Path) -> Path:
    """Write ``report.html`` into the work folder of one run, from what lies there; no network predicts anything.

    Raises:
        DataError: there is neither log nor result, or one of them is damaged.
    """
    results, details = _known([folder])
    return write_report(folder, results, title=details.folders[0].title, details=details)


class LivePage:
    """The page of runs, made anew when something that it shows has changed.

    Args:
        folders: of runs, or folders that hold runs.
        title: heading.
    """

    def __init__(self, folders: Sequence[Path], title: str = TITLE) -> None:
        self.folders = folders
        self.title = title
        self._lock = threading.Lock()
        self._made = ('', '')

    def version(self) -> str:
        """Another text whenever a file that the page is made of has come, gone or changed."""
        states = hashlib.sha256()
        for path in sorted({path for folder in self.folders for path in _sources(folder)}):
            try:
                state = path.stat()
            except OSError:
                continue  # removed meanwhile
            states.update(f'{path}|{state.st_size}|{state.st_mtime_ns}\n'.encode())
        return states.hexdigest()[:16]

    def html(self) -> str:
        """The page as it is now; as long as there is no run that can be read, one that waits for it."""
        with self._lock:
            version = self.version()
            if self._made[0] != version:
                self._made = version, self._render(version)
            return self._made[1]

    def _render(self, version: str) -> str:
        try:
            results, details = _known(self.folders, version)
            return render_report(results, title=self.title, details=details)
        except DataError as error:
            return WAITING.format(reason=escape(str(error)))


def _known(folders: Sequence[Path], version: str = '') -> tuple[list[RunResult], Details]:
    """What lies in the folders of runs, see :func:`mmseg.toolbox.reports.run_folders.find_run_folders`."""
    runs, problems = find_run_folders(folders)
    results = [result for _, result in shown_results(runs)]
    return results, Details(folders=runs, problems=problems, live=version)


def _sources(folder: Path) -> list[Path]:
    return [path for pattern in SOURCES for path in folder.rglob(pattern)]


class Server(ThreadingHTTPServer):
    """Says nothing about readers that leave before they have their answer, as a tab does that is closed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Everything else is a defect and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def open_server(page: LivePage, port: int) -> Server:
    """A server of the page at ``/`` and of its version at ``/version``, for this machine alone; not running yet.

    Args:
        page: what is served.
        port: 0 takes any that is free.

    Raises:
        UsageError: the port is in use.
    """

    class Handler(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_GET(self) -> None:
            """The page, or its version."""
            answers = {'/': ('text/html', page.html), '/version': ('text/plain', page.version)}
            asked = self.path.partition('?')[0]
            if not _is_local(self.headers.get('Host', '')):
                # A page of a stranger whose name leads to this machine could read everything otherwise.
                self.send_error(HTTPStatus.FORBIDDEN, f'ask for {HOST} or localhost')
            elif asked not in answers:
                self.send_error(HTTPStatus.NOT_FOUND)
            else:
                kind, answer = answers[asked]
                self._send(kind, answer())

        def _send(self, kind: str, text: str) -> None:
            content = text.encode('utf-8')
            self.send_response(HTTPStatus.OK)
            self.send_header('Content-Type', f'{kind}; charset=utf-8')
            self.send_header('Content-Length', str(len(content)))
            self.send_header('Cache-Control', 'no-store')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Requests come every three seconds and are not worth a line."""

    try:
        return Server((HOST, port), Handler)
    except OSError as error:
        raise UsageError(
            f'Port {port} of this machine cannot be used ({error.strerror}). Choose another one with --port; 0 takes '
            'any that is free.'
        ) from error


def _is_local(host: str) -> bool:
    name, colon, port = host.rpartition(':')
    return (name if colon and port.isdigit() else host) in NAMES
