"""``python -m tests.parity [DIR]``: compare this code base with stored reference cases."""

import argparse
import fnmatch
import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path

import tests.parity
from tests.parity.core import CASES, collect, run_case

EXAMPLES = """examples:
  python -m tests.parity
  python -m tests.parity --case 'train/*'
  python -m tests.parity ../shared/golden --case 'keys/*mit*' --json
"""


def load_families() -> None:
    """Import every module beside this one; those that hold case families register them."""
    for module in pkgutil.iter_modules(tests.parity.__path__):
        if module.name != '__main__' and not module.name.startswith('test_'):
            importlib.import_module(f'tests.parity.{module.name}')


def main(arguments: list[str] | None = None) -> int:
    """Run the cases; returns the exit code (0 all passed, 1 any failed, 2 wrong usage)."""
    parser = argparse.ArgumentParser(
        prog='python -m tests.parity',
        description='Run every stored reference case below a folder and print one line a case.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'dir',
        type=Path,
        metavar='DIR',
        nargs='?',
        default=CASES,
        help='folder of cases, laid out like tests/parity/cases (the default)',
    )
    parser.add_argument(
        '--case', metavar='GLOB', default='*', help="only cases whose whole name matches (default '*')"
    )
    parser.add_argument('--json', action='store_true', help='one JSON object a line instead of text')
    options = parser.parse_args(arguments)
    if not options.dir.is_dir():
        parser.error(f'{options.dir} is not a folder; expected a folder of cases such as {CASES}')
    load_families()
    cases = [case for case in collect(options.dir) if fnmatch.fnmatchcase(case.name, options.case)]
    if not cases:
        parser.error(f'no case below {options.dir} has a name that matches {options.case!r}')
    failed = 0
    for case in cases:
        result = run_case(case)
        failed += not result.passed
        print(json.dumps(asdict(result)) if options.json else result.line(), flush=True)
        if not options.json:
            for problem in result.problems[:5]:
                print(f'    {problem}', file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({'passed': len(cases) - failed, 'failed': failed}))
    else:
        print(f'{len(cases) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
