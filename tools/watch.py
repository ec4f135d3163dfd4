"""Serve the report of runs while they train; the page follows their logs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.errors import UsageError

EXAMPLES = """examples:
  python tools/watch.py work_dirs
  python tools/watch.py WORK_DIR OTHER_WORK_DIR --port 8080

Open the address that is printed; the page loads again by itself when a log, a result of tools/test.py or a debug
picture has changed. Only this machine is answered: from another one, go through ssh -L 8765:localhost:8765 MACHINE.
Ctrl-C ends it; the trainings go on.
"""
PORT = 8765


def port(text: str) -> int:
    """An argparse type: the number of a port."""
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f'{text} is no port; expected a whole number from 0 to 65535')
    return int(text)


@run_cli
def main() -> None:
    """Serve until Ctrl-C."""
    parser = Parser('Serve the report of runs while they train; the page follows their logs.', EXAMPLES)
    parser.add_argument(
        'work_dir', nargs='+', type=Path, help='folders of runs, or folders that hold runs or will hold them'
    )
    parser.add_argument(
        '--port', type=port, default=PORT, help='0 takes any that is free (default: %(default)s)'
    )
    parser.add_argument('--title', default='Runs', help='heading (default: %(default)s)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    args = parser.parse_args()
    missing = [str(folder) for folder in args.work_dir if not folder.is_dir()]
    if missing:
        raise UsageError(
            f'{", ".join(missing)}: no folder. Expected work folders of runs, or folders that hold them.'
        )
    from mmseg.toolbox.reports.live import HOST, LivePage, open_server

    with open_server(LivePage(args.work_dir, args.title), args.port) as server:
        print(f'http://{HOST}:{server.server_address[1]}/ (Ctrl-C ends it)', flush=True)
        server.serve_forever()


if __name__ == '__main__':
    main()
