"""Time our code beside straightforward formulations of the same mathematics."""

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli

BENCHMARKS = {
    'attention': 'parts.attention',
    'ema': 'parts.teacher',
    'optimizer': 'parts.optimizer',
    'blur': 'parts.blur',
    'card': 'card.card',
    'confusion': 'data.counting',
    'convert': 'parts.convert',
    'counts': 'counts.counts',
    'data': 'data.pipelines',
    'hrda-dida': 'whole_step.hrda_dida',
    'hrda-memory': 'memory.hrda',
    'instance-bank': 'instance_bank.streamed_loss',
    'methods': 'step.all_methods',
    'pages': 'pages.pages',
    'ranks': 'ranks.overlap',
    'sampling': 'sampling.rare_classes',
    'start': 'many.start',
    'step': 'step.training_step',
    'testing': 'testing.testing',
    'vfm-memory': 'foundation.vfm',
}
"""Name -> module and function; each takes the settings and yields results with ``line()`` and ``record()``."""
EXAMPLES = """\
examples:
  python tools/benchmark.py all
  python tools/benchmark.py step --encoder mit_b5 --size 512 --device cuda:0
  python tools/benchmark.py attention blur --rounds 21 --json
  python tools/benchmark.py vfm-memory --encoder dinov2_l --size 1024
  python tools/benchmark.py card --out work_dirs/card
"""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = Parser(
        description='Time our code beside straightforward formulations of the same mathematics, in turns and in one '
        'process; results of both sides are compared first.',
        epilog=EXAMPLES,
    )
    parser.add_argument(
        'names',
        nargs='+',
        choices=[*BENCHMARKS, 'all'],
        metavar='NAME',
        help=', '.join(BENCHMARKS) + ', or all but card',
    )
    parser.add_argument('--device', help='default: the GPU if there is one, else the CPU')
    parser.add_argument(
        '--encoder',
        help='mit_b0 ... mit_b5 (default: mit_b5 on a GPU, mit_b0 on a CPU); for vfm-memory dinov2_s, dinov2_b, '
        'dinov2_l (default) or dinov2_l_adapter',
    )
    parser.add_argument(
        '--size', type=int, help='side of the crops, a multiple of 32 (default: 512 on a GPU, 256 on a CPU)'
    )
    parser.add_argument('--batch', type=int, default=2, help='images per domain (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=7, help='repetitions (default: %(default)s)')
    parser.add_argument(
        '--out', type=Path, metavar='FOLDER', help='write results.json and a table, results.md, there'
    )
    parser.add_argument('--json', action='store_true', help='print one JSON object instead of text')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def write(folder: Path, record: dict[str, Any], results: list[Any]) -> None:
    """Everything for machines as results.json, and for people as results.md."""
    from mmseg.toolbox.experiments.collection import markdown_table

    lines = [', '.join(f'{key} {value}' for key, value in record['machine'].items() if value is not None), '']
    rows = [result.cells() for result in results if hasattr(result, 'cells')]
    if rows:
        lines.append(markdown_table(import_module('benchmarks.card').HEADS, rows))
    lines += [f'- {result.line()}' for result in results if not hasattr(result, 'cells')]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'results.json').write_text(json.dumps(record, indent=2) + '\n', encoding='utf-8')
    (folder / 'results.md').write_text('\n'.join(lines) + '\n', encoding='utf-8')


@run_cli
def main() -> None:
    """Run the benchmarks that were asked for."""
    args = build_parser().parse_args()
    import torch

    from benchmarks.settings import Settings
    from benchmarks.timing import machine
    from mmseg.engine.build import choose_device

    device = choose_device(args.device)
    on_gpu = device.type == 'cuda'
    settings = Settings(
        device=device,
        encoder=args.encoder or ('mit_b5' if on_gpu else 'mit_b0'),
        size=args.size or (512 if on_gpu else 256),
        batch=args.batch,
        rounds=args.rounds,
    )
    every = [name for name in BENCHMARKS if name != 'card']
    chosen = every if 'all' in args.names else list(dict.fromkeys(args.names))
    torch.manual_seed(0)
    if not args.json:
        print(', '.join(f'{key} {value}' for key, value in machine(device).items() if value is not None))
    results = []
    for name in chosen:
        module, function = BENCHMARKS[name].split('.')
        for result in getattr(import_module(f'benchmarks.{module}'), function)(settings):
            results.append(result)
            if not args.json:
                print(result.line(), flush=True)
    record = {'machine': machine(device), 'results': [result.record() for result in results]}
    if args.out:
        write(args.out, record, results)
    if args.json:
        json.dump(record, sys.stdout, indent=2)
        print()


if __name__ == '__main__':
    main()
