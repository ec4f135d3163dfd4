"""Train a network as a configuration says."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from mmseg.cli import run_cli
from mmseg.config import OptionsAction, load_config
from mmseg.engine.distributed import close_distributed, init_distributed, is_main
from mmseg.engine.train import choose_work_dir, save_config, train

EXAMPLES = """examples:
  python tools/train.py CONFIG --seed 1
  python tools/train.py CONFIG --work-dir work_dirs/mine --cfg-options runner.max_iters=4 data.samples_per_gpu=1
  python tools/train.py CONFIG --work-dir work_dirs/mine --cfg-options runner.max_iters=6 --resume --amp
  torchrun --nproc_per_node=2 tools/train.py CONFIG --launcher pytorch --cfg-options runner.max_iters=2
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Train a network as a configuration says, with logs and checkpoints in one work folder.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='configuration file, Python or JSON')
    parser.add_argument('--cfg-options', '--options', nargs='+', action=OptionsAction, default={}, metavar='KEY=VALUE',
                        help='values to override, e.g. data.samples_per_gpu=1')  # fmt: skip
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')

    files = parser.add_argument_group('files')
    files.add_argument('--work-dir', help='folder for logs and checkpoints (default: work_dir of the configuration, '
                       'else work_dirs/NAME OF THE CONFIG FILE)')  # fmt: skip
    files.add_argument('--load-from', metavar='FILE', help='start from the weights of a checkpoint')
    files.add_argument('--new-classifier', action='store_true',
                       help='for other classes than --load-from has: leave out the layers that tell classes '
                       'apart')  # fmt: skip
    start = files.add_mutually_exclusive_group()
    start.add_argument(
        '--resume', action='store_true', help='go on from the newest checkpoint in the work folder'
    )
    start.add_argument('--resume-from', metavar='FILE', help='go on from this checkpoint')

    run = parser.add_argument_group('run')
    run.add_argument(
        '--seed', type=int, help='seed of every random decision (default: seed of the configuration, else 0)'
    )
    run.add_argument(
        '--deterministic', action='store_true', help='use deterministic kernels only (slower on a GPU)'
    )
    run.add_argument(
        '--amp', action='store_true', help='compute in bfloat16 where it is safe (precision=bf16)'
    )
    run.add_argument('--no-validate', action='store_true', help='do not evaluate during training')
    run.add_argument(
        '--no-check', action='store_true', help='do not look at some pictures and labels first (seconds)'
    )
    run.add_argument('--launcher', choices=('none', 'pytorch'), default='none',
                     help='pytorch: several processes, started by torchrun (default: none)')  # fmt: skip
    return parser.parse_args()


def options_of(args: argparse.Namespace) -> dict[str, object]:
    """Command-line options that stand for configuration values."""
    named = {
        'load_from': args.load_from,
        'new_classifier': args.new_classifier or None,
        'seed': args.seed,
        'deterministic': args.deterministic or None,
        'precision': 'bf16' if args.amp else None,
    }
    return {**args.cfg_options, **{key: value for key, value in named.items() if value is not None}}


def resume_command(work_dir: Path) -> str:
    """This command line with ``--resume`` and the folder it continues."""
    kept = sys.argv[1:]
    for option in ('--resume', '--resume-from', '--work-dir'):
        while option in kept:
            place = kept.index(option)
            del kept[place : place + (1 if option == '--resume' else 2)]
    processes = os.environ.get('LOCAL_WORLD_SIZE')
    program = ['torchrun', f'--nproc_per_node={processes}'] if processes else ['python']
    return shlex.join([*program, sys.argv[0], *kept, '--work-dir', str(work_dir), '--resume'])


@run_cli
def main() -> None:
    """Read the configuration, keep a copy in the work folder, train."""
    args = parse_arguments()
    cfg = load_config(args.config, options_of(args))
    init_distributed(args.launcher)
    work_dir = choose_work_dir(cfg, args.work_dir)
    if is_main():
        save_config(cfg, work_dir / Path(args.config).name)
    train(
        cfg,
        work_dir=work_dir,
        resume=args.resume,
        resume_from=args.resume_from,
        validate=not args.no_validate,
        check=not args.no_check,
        resume_command=resume_command(work_dir),
    )
    close_distributed()


if __name__ == '__main__':
    main()
