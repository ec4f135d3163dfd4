"""Train a network as a configuration says."""

import argparse
import shlex
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import default_launcher, positional, run_lasting, started_as
from mmseg.processes import EXIT_CODES, die_with_parent

EXAMPLES = """examples:
  python tools/train.py CONFIG --seed 1
  python tools/train.py CONFIG --work-dir work_dirs/mine --cfg-options runner.max_iters=4 data.samples_per_gpu=1
  python tools/train.py CONFIG --work-dir work_dirs/mine --cfg-options runner.max_iters=6 --resume --amp
  torchrun --standalone --nproc-per-node 2 tools/train.py CONFIG --work-dir two --cfg-options runner.max_iters=2

"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    from mmseg.config import add_config_options  # late, see main

    parser = Parser(
        description='Train a network as a configuration says, with logs and checkpoints in one work folder.',
        epilog=EXAMPLES + EXIT_CODES,
    )
    parser.add_argument('config', help='configuration file, Python or JSON')
    add_config_options(parser, 'data.samples_per_gpu=1')
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
    run.add_argument('--launcher', choices=('none', 'pytorch'), default=default_launcher(),
                     help='pytorch: several processes, started by torchrun, which need not be said')  # fmt: skip
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


def resume_command(args: argparse.Namespace, work_dir: Path) -> str:
    """The command line that goes on with this run in ``work_dir``, from the parsed arguments."""
    named = {'load-from': args.load_from, 'seed': args.seed, 'launcher': args.launcher.replace('none', '')}
    flags = {
        'deterministic': args.deterministic,
        'amp': args.amp,
        'no-validate': args.no_validate,
        'no-check': args.no_check,
        'debug': args.debug,
    }
    words = [*started_as(sys.argv[0]), positional(args.config), f'--work-dir={work_dir}', '--resume']
    words += [f'--{name}={value}' for name, value in named.items() if value not in (None, '')]
    words += [f'--{name}' for name, given in flags.items() if given]
    lists = {'--cfg-options': getattr(args, 'cfg_options_typed', []), '--custom-imports': args.custom_imports}
    return shlex.join(
        [*words, *(word for name, values in lists.items() if values for word in (name, *values))]
    )


@run_lasting
def main() -> None:
    """Read the configuration, train."""
    args = parse_arguments()
    # Imported here because it takes seconds, in which signals are to be answered.
    from mmseg.config import load_config
    from mmseg.engine.distributed import close_distributed, init_distributed
    from mmseg.engine.train import train
    from mmseg.engine.work_folder import choose_work_dir
    from mmseg.toolbox.checking.preflight import preflight
    from mmseg.toolbox.reports.live import write_run_report

    cfg = load_config(args.config, options_of(args))
    if args.launcher != 'none':
        die_with_parent(signal.SIGTERM)
    init_distributed(args.launcher)
    work_dir = choose_work_dir(cfg, args.work_dir)
    train(
        cfg,
        work_dir=work_dir,
        resume=args.resume,
        resume_from=args.resume_from,
        validate=not args.no_validate,
        look=None if args.no_check else preflight,
        resume_command=resume_command(args, work_dir),
        report=write_run_report,
    )
    close_distributed()


if __name__ == '__main__':
    main()
