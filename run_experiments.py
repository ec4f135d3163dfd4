"""Train the runs of a published experiment, or of one configuration file."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmseg.arguments import Parser
from mmseg.cli import positional, run_lasting, started_as
from mmseg.machines import MACHINES, add_places, place_words
from mmseg.processes import EXIT_CODES

if TYPE_CHECKING:
    from mmseg.toolbox.experiments.jobs import LaunchOptions

EXAMPLES = """examples:
  python run_experiments.py --list
  python run_experiments.py --exp daformer-7 --dry-run --json
  python run_experiments.py --config CONFIG --cfg-options runner.max_iters=2
  python run_experiments.py --exp 101 --startup-test --builtin-data --only '*source-only*'
  python run_experiments.py --exp 101 --startup-test --builtin-data --only '*_dacs_*rcs*' --gpus 0 --jobs 2
  python run_experiments.py --exp 6 --machine slurm --partition gpu --gpus 1 --time 12:00:00 --dry-run

"""
CLUSTER_OPTIONS = ('partition', 'time', 'cpus', 'sbatch', 'wait', 'status')


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    from mmseg.config import add_config_options  # late, see main

    parser = Parser(
        description='Train the runs of a published experiment, or of one configuration file.',
        epilog=EXAMPLES + EXIT_CODES,
    )
    what = parser.add_argument_group('what to run (one of them)').add_mutually_exclusive_group(required=True)
    what.add_argument('--list', action='store_true', help='list all experiments and leave')
    what.add_argument(
        '--exp', metavar='ID', help='id of an experiment: a number or a name, e.g. 5, daformer-7'
    )
    what.add_argument('--config', type=Path, metavar='FILE', help='configuration file, Python or JSON')

    which = parser.add_argument_group('which runs')
    which.add_argument('--only', nargs='+', default=[], metavar='NAME', help='only these runs; * is possible')
    which.add_argument('--resume', action='store_true', help='go on with the newest run of each name')
    which.add_argument('--dry-run', action='store_true',
                       help='show the runs, train and write nothing; shipped settings are not checked')  # fmt: skip
    which.add_argument('--json', action='store_true', help='with --list or --dry-run: for machines')

    how = parser.add_argument_group('how')
    how.add_argument(
        '--startup-test', action='store_true', help='two iterations of every setting, seed 0 only'
    )
    how.add_argument(
        '--builtin-data',
        action='store_true',
        help='with --startup-test: drawn scenes, random weights, small crops; needs no files',
    )
    how.add_argument('--debug', action='store_true', help='log, evaluate and draw debug pictures often')
    add_config_options(how, 'runner.max_iters=2')
    cluster = add_places(parser)
    cluster.add_argument('--wait', action='store_true', help='show the runs until all have ended')
    cluster.add_argument('--status', action='store_true', help='show how the submitted runs are, and leave')
    args = parser.parse_args()
    if args.json and not (args.list or args.dry_run):
        parser.error('--json goes with --list or --dry-run')
    if args.builtin_data and not args.startup_test:
        parser.error('--builtin-data goes with --startup-test')
    given = [f'--{name}' for name in CLUSTER_OPTIONS if getattr(args, name)]
    if args.machine == 'local' and given:
        parser.error(f'{given[0]} goes with --machine slurm')
    return args


def command_to_resume(args: argparse.Namespace) -> str:
    """The command line that goes on with this call, from the parsed arguments; of the shell script that made it."""
    script = os.environ.get('MMSEG_SCRIPT')
    if script:
        words = ['sh', script, args.exp or positional(args.config), *os.environ.get('MMSEG_GPU', '').split()]
    else:
        what = f'--exp={args.exp}' if args.exp else f'--config={args.config}'
        words = [*started_as(sys.argv[0]), what]
    words += ['--resume', *place_words(args)]
    flags = ('startup_test', 'builtin_data', 'debug', 'wait')
    words += [f'--{name.replace("_", "-")}' for name in flags if getattr(args, name)]
    lists = {
        '--only': args.only,
        '--cfg-options': getattr(args, 'cfg_options_typed', []),
        '--custom-imports': args.custom_imports,
    }
    return shlex.join(
        [*words, *(word for name, values in lists.items() if values for word in (name, *values))]
    )


def launch_options(args: argparse.Namespace) -> LaunchOptions:
    """What the command line asks for, as one value."""
    from mmseg.toolbox.experiments.jobs import ClusterOptions, LaunchOptions

    cluster = None
    if args.machine != 'local':
        further = dict(text.split('=', 1) for text in args.sbatch)
        minutes = args.time or ClusterOptions.minutes
        cluster = ClusterOptions(
            MACHINES[args.machine], args.partition, minutes, args.cpus, further, args.wait
        )
    at_once = max(args.gpus, 1) if args.exp else 1
    return LaunchOptions(
        debug=args.debug,
        startup_test=args.startup_test,
        builtin_data=args.builtin_data,
        only=tuple(args.only),
        resume=args.resume,
        cfg_options=args.cfg_options,
        custom_imports=tuple(args.custom_imports),
        machine=args.machine,
        gpus=args.gpus,
        jobs=args.jobs or (0 if cluster else at_once),
        cluster=cluster,
        command=command_to_resume(args),
        dry_run=args.dry_run or args.status,
    )


@run_lasting
def main() -> None:
    """Run the command line."""
    args = parse_arguments()
    # Imported here because it takes seconds, in which signals are to be answered.
    from mmseg.config.shipped import find_config
    from mmseg.errors import UsageError
    from mmseg.toolbox.experiments.jobs import WORK_DIRS, describe, plan_config, plan_experiment
    from mmseg.toolbox.experiments.listing import describe_experiments, experiment_table

    if args.list:
        print(json.dumps(describe_experiments(), indent=2) if args.json else experiment_table())
        return
    options = launch_options(args)
    if args.config is not None:
        args.config = find_config(args.config)
    if args.config is not None and args.config.suffix not in ('.py', '.json'):
        raise UsageError(f'--config {args.config}: expected a .py or .json file.')
    if args.dry_run or args.status:
        jobs = plan_experiment(args.exp, options) if args.exp else plan_config(args.config, options)
        if args.status:
            from mmseg.toolbox.experiments.cluster import status

            print(status(WORK_DIRS / jobs[0].folder))
        else:
            print('\n'.join(describe(jobs, args.json)))
        return
    from mmseg.toolbox.experiments.launch import run_config, run_experiment

    if args.exp:
        run_experiment(args.exp, options, print)
    else:
        run_config(args.config, options, print)


if __name__ == '__main__':
    main()
