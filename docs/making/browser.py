"""A page in headless Chromium: pictures of it, and what a script finds in it.

    python -m docs.making.browser WORK_DIR/report.html docs/pictures/report.png
    python -m docs.making.browser WORK_DIR/report.html docs/pictures/report_phone.png --width 390 --height 844 --dark

Needs a Chromium or Chrome on the PATH, or named by the environment variable CHROMIUM (Debian: apt-get install
chromium). It is talked to through two pipes in its DevTools protocol; no package is needed. Not on Windows.
"""

import argparse
import base64
import io
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome')
OPTIONS = (
    '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--remote-debugging-pipe',
    '--disable-background-networking', '--disable-extensions',
)  # fmt: skip
SECONDS = 60.0
COLOURS = 256
"""Of a picture for a page of the documentation: half of the bytes of full colours."""
HELPERS = """
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const fitting = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
"""
POLL = 0.05
COMPLAINTS = {'Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded'}


def find_browser() -> str | None:
    """The program, or None where there is none or it cannot be talked to (Windows)."""
    if os.name != 'posix':
        return None
    named = os.environ.get('CHROMIUM')
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class RefusedError(RuntimeError):
    """The browser does not carry out a command, such as a script in a page that is being left."""


@dataclass
class Tab:
    """One page in a browser.

    Attributes:
        complaints: what the console has got since the page was opened: errors, warnings, refused addresses.
    """

    commands: int
    answers: int
    session: str = ''
    complaints: list[str] = field(default_factory=list)
    _count: int = 0
    _rest: bytes = b''

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command of the protocol and wait for its result.

        Raises:
            RefusedError: the browser refuses it.
            RuntimeError: the browser does not answer, or has ended.
        """
        self._count += 1
        message = {'id': self._count, 'method': method, 'params': parameters}
        message |= {'sessionId': self.session} if self.session else {}
        os.write(self.commands, json.dumps(message).encode() + b'\0')
        while (answer := self._next()).get('id') != self._count:
            self._note(answer)
        if 'error' in answer:
            raise RefusedError(f'{method}: {answer["error"]}')
        return answer['result']

    def open(self, address: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page in a window of that size and wait until it is there."""
        theme = [{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}]
        self.ask('Emulation.setEmulatedMedia', features=theme)
        self.ask(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.complaints.clear()
        self.ask('Page.navigate', url=address)
        self.wait('document.readyState === "complete"')
        time.sleep(0.15)
        self.wait('(await fitting(), document.readyState === "complete")')

    def wait(self, condition: str, seconds: float = SECONDS) -> None:
        """Until an expression is true in the page, which may load again or give way to another meanwhile.

        Raises:
            RuntimeError: it is not true after that time, or it fails.
        """
        end = time.monotonic() + seconds
        last = 'false'
        while time.monotonic() < end:
            try:
                if self.run(f'return Boolean({condition})'):
                    return
            except RefusedError as refusal:  # asked of a page that was just being left: ask the next one
                last = str(refusal)
            time.sleep(POLL)
        raise RuntimeError(f'after {seconds:g} s it is not true that {condition}; at last: {last}')

    def run(self, script: str) -> Any:
        """What the body of an async function returns; it may use ``pause(ms)`` and ``fitting()``.

        Raises:
            RuntimeError: the script fails.
        """
        answer = self.ask(
            'Runtime.evaluate', expression=f'(async () => {{ {HELPERS} {script} }})()', awaitPromise=True,
            returnByValue=True,
        )  # fmt: skip
        if 'exceptionDetails' in answer:
            raise RuntimeError(str(answer['exceptionDetails'].get('exception', {}).get('description')))
        return answer['result'].get('value')

    def picture(self) -> Image.Image:
        """What the window shows."""
        taken = self.ask('Page.captureScreenshot', format='png')['data']
        return Image.open(io.BytesIO(base64.b64decode(taken))).convert('RGB')

    def _note(self, event: dict[str, Any]) -> None:
        if event.get('method') in COMPLAINTS:
            self.complaints.append(json.dumps(event['params'])[:3000])

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b'\0' not in self._rest:
            if not select.select([self.answers], [], [], max(end - time.monotonic(), 0))[0]:
                raise RuntimeError(f'the browser has not answered for {SECONDS:.0f} s')
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                raise RuntimeError('the browser has ended')
            self._rest += piece
        message, _, self._rest = self._rest.partition(b'\0')
        return dict(json.loads(message))


@contextmanager
def browser() -> Iterator[Tab]:
    """A browser with one tab, as long as the block.

    Raises:
        RuntimeError: there is none.
    """
    program = find_browser()
    if program is None:
        raise RuntimeError(f'found none of {", ".join(NAMES)} on the PATH; install one or set CHROMIUM')
    import fcntl  # Windows has none

    reads, commands = os.pipe()
    answers, writes = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (reads, writes)]

    def take_pipes() -> None:
        os.dup2(high[0], 3)  # where Chromium expects them
        os.dup2(high[1], 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *OPTIONS, f'--user-data-dir={profile}', 'about:blank'], preexec_fn=take_pipes,
            close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (reads, writes, *high):
            os.close(end)
        tab = Tab(commands, answers)
        try:
            tabs = tab.ask('Target.getTargets')['targetInfos']
            target = next(one['targetId'] for one in tabs if one['type'] == 'page')
            tab.session = tab.ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
            for domain in ('Page', 'Runtime', 'Log'):
                tab.ask(f'{domain}.enable')
            yield tab
        finally:
            _close(process, tab)


def _close(process: subprocess.Popen[bytes], tab: Tab) -> None:
    tab.session = ''
    try:
        tab.ask('Browser.close')
        process.wait(SECONDS)
    except (RuntimeError, OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
    for end in (tab.commands, tab.answers):
        os.close(end)


def main() -> None:
    """A screenshot from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('page', type=Path, help='HTML file')
    parser.add_argument('target', type=Path, help='PNG file')
    parser.add_argument('--width', type=int, default=1280)
    parser.add_argument('--height', type=int, default=900)
    parser.add_argument('--dark', action='store_true')
    parser.add_argument('--at', default='', metavar='SECTION', help='scroll to this section, such as curves')
    args = parser.parse_args()
    with browser() as tab:
        tab.open(args.page.resolve().as_uri(), args.width, args.height, args.dark)
        if args.at:
            go = f'document.getElementById({json.dumps(args.at)}).scrollIntoView({{ behavior: "instant" }});'
            tab.run(f'{go} await fitting();')
        picture = tab.picture()
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(args.target, 'PNG', optimize=True)
    if tab.complaints:
        parser.exit(1, '\n'.join(tab.complaints) + '\n')


if __name__ == '__main__':
    main()
