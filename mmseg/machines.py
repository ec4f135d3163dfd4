"""Where runs are trained, as command lines say it. Nothing here takes torch, see :mod:`mmseg.arguments`."""

import argparse

from mmseg.cli import pair, slurm_minutes, whole_number

MACHINES = {'local': '', 'slurm': 'slurm', 'submitit-local': 'local'}
"""Values of ``--machine`` -> what submitit calls them."""


def add_places(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """The options that say where runs are trained; returns the group of those that are for clusters."""
    where = parser.add_argument_group('where')
    where.add_argument('--machine', choices=tuple(MACHINES), default='local',
                       help='local: here (default); slurm: as an array of jobs; submitit-local: the same on this '
                       'machine, to try it')  # fmt: skip
    where.add_argument('--gpus', type=whole_number(0), default=1, metavar='N',
                       help='GPUs to use (default: 1); 0: none. The runs of an experiment go on at the same time, one '
                       'on each GPU (without GPUs: one on each group of cores); a single configuration gets all '
                       'of them. With --machine slurm: GPUs of each run, which multiply its batch')  # fmt: skip
    where.add_argument('--jobs', type=whole_number(1), metavar='N',
                       help='runs at the same time, which share the GPUs evenly (default: as many as GPUs for --exp, 1 '
                       'for --config); --jobs 1 gives each run all GPUs, which multiplies its batch. With --machine '
                       'slurm: jobs that run at the same time (default: no limit)')  # fmt: skip
    cluster = parser.add_argument_group('with --machine slurm')
    cluster.add_argument('--partition', metavar='NAME', help='partition of the cluster')
    cluster.add_argument('--time', type=slurm_minutes, metavar='TIME',
                         help='limit of one job, as Slurm writes it: minutes, H:MM:SS, D-HH (default: 1-00). A run '
                         'that needs longer is saved, queued again, and goes on')  # fmt: skip
    cluster.add_argument('--cpus', type=whole_number(1), metavar='N',
                         help='cores of each process (default: its loader processes and one)')  # fmt: skip
    cluster.add_argument('--sbatch', nargs='+', default=[], type=pair, metavar='NAME=VALUE',
                         help='other options of sbatch, such as account=vision mem=64G')  # fmt: skip
    return cluster


def place_words(args: argparse.Namespace) -> list[str]:
    """The words of a command line that say the same as what was parsed with :func:`add_places`."""
    machine = None if args.machine == 'local' else args.machine
    named = {'gpus': args.gpus, 'jobs': args.jobs, 'machine': machine}
    named |= {name: getattr(args, name) for name in ('partition', 'time', 'cpus')}
    words = [f'--{name}={value}' for name, value in named.items() if value is not None]
    return words + (['--sbatch', *args.sbatch] if args.sbatch else [])
