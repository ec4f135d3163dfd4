"""Test a checkpoint: scores per class, predictions as pictures."""

import argparse
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.cli import run_cli
from mmseg.config import OptionsAction, load_config
from mmseg.engine.distributed import close_distributed, init_distributed, is_main
from mmseg.engine.environment import open_log
from mmseg.engine.test import OutputOptions, set_inference_mode, set_multi_scale, set_test_split, test
from mmseg.errors import UsageError

EXAMPLES = """examples:
  python tools/test.py CONFIG work_dirs/NAME/latest.pth --eval mIoU
  python tools/test.py CONFIG CHECKPOINT --eval mIoU --network teacher --show-dir preds --opacity 1
  python tools/test.py CONFIG CHECKPOINT --test-set --format-only --out-dir trainIds --eval-options to_label_id=False
"""
METRICS = ('mIoU', 'mDice', 'mFscore', 'cityscapes')


def opacity(text: str) -> float:
    """A number in (0, 1]."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f'{text} is not in (0, 1]')
    return value


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Test a checkpoint: scores per class, predictions as colour pictures or as label PNGs.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='configuration file, Python or JSON')
    parser.add_argument('checkpoint', help='weights: of a training run, published, or of a plain network')
    parser.add_argument('--cfg-options', '--options', nargs='+', action=OptionsAction, default={}, metavar='KEY=VALUE',
                        help='values to override, e.g. data.workers_per_gpu=2')  # fmt: skip
    parser.add_argument('--launcher', choices=('none', 'pytorch'), default='none',
                        help='pytorch: several processes, started by torchrun (default: none)')  # fmt: skip
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    add_network_options(parser.add_argument_group('network and data'))
    add_output_options(
        parser.add_argument_group('output, at least one of --eval, --show-dir, --out, --format-only')
    )
    return parser.parse_args()


def add_network_options(group: Any) -> None:
    """Options that say what is predicted and how."""
    group.add_argument('--network', choices=('student', 'teacher'), default='student',
                       help='which network of a self-training checkpoint (default: student)')  # fmt: skip
    group.add_argument('--aug-test', '--tta', action='store_true', help='average over six scales and flips')
    group.add_argument('--inference-mode', choices=('same', 'whole', 'slide'), default='same',
                       help='whole pictures or sliding windows (default: same as the configuration)')  # fmt: skip
    group.add_argument(
        '--test-set', action='store_true', help='replace val by test in the folders of data.test'
    )


def add_output_options(group: Any) -> None:
    """Options that say what is kept."""
    group.add_argument(
        '--eval', nargs='+', choices=METRICS, default=[], metavar='METRIC', help=', '.join(METRICS)
    )
    group.add_argument('--show-dir', type=Path, metavar='DIR', help='write pictures with class colours')
    group.add_argument('--opacity', type=opacity, default=0.5,
                       help='of the colours, in (0, 1]; 1 hides the picture (default: 0.5)')  # fmt: skip
    group.add_argument('--out', type=Path, metavar='FILE', help='write all class maps to a .pkl file')
    group.add_argument(
        '--format-only', action='store_true', help='write PNGs of class ids for a submission, no scores'
    )
    group.add_argument('--out-dir', type=Path, metavar='DIR',
                       help='write PNGs of train ids there; with --format-only of official ids')  # fmt: skip
    group.add_argument('--eval-options', nargs='+', action=OptionsAction, default={}, metavar='KEY=VALUE',
                       help='imgfile_prefix=DIR (as --out-dir), to_label_id=True|False')  # fmt: skip
    group.add_argument('--work-dir', type=Path, metavar='DIR',
                       help='folder of result_NETWORK.json for reports (default: that of the checkpoint)')  # fmt: skip


def output_options(args: argparse.Namespace) -> OutputOptions:
    """What to keep; raises UsageError if that is nothing or contradicts itself."""
    extra = dict(args.eval_options)
    folder, to_label_id = (
        extra.pop('imgfile_prefix', args.out_dir),
        extra.pop('to_label_id', args.format_only),
    )
    extra.pop('efficient_test', None)
    if extra:
        raise UsageError(
            f'--eval-options {", ".join(extra)}: not known; expected imgfile_prefix or to_label_id.'
        )
    if args.format_only and args.eval:
        raise UsageError('--format-only writes files only and excludes --eval; give one of them.')
    if args.format_only and folder is None:
        raise UsageError('--format-only needs a folder for the PNGs: add --out-dir DIR.')
    if args.out is not None and args.out.suffix not in ('.pkl', '.pickle'):
        raise UsageError(f'--out {args.out}: expected a name that ends in .pkl or .pickle.')
    if not (args.eval or args.show_dir or args.out or folder):
        raise UsageError('Nothing to do: give at least one of --eval, --show-dir, --out, --format-only.')
    return OutputOptions(
        metrics=tuple(args.eval),
        network=args.network,
        show_dir=args.show_dir,
        opacity=args.opacity,
        out=args.out,
        label_dir=None if folder is None else Path(folder),
        to_label_id=bool(to_label_id) or 'cityscapes' in args.eval,
        result_dir=args.work_dir or Path(args.checkpoint).parent,
    )


def adjust(cfg: Config, args: argparse.Namespace) -> None:
    """Apply the options that change the configuration."""
    if args.aug_test:
        set_multi_scale(cfg)
    if args.test_set:
        set_test_split(cfg)
    if args.inference_mode != 'same':
        print(f'Force {args.inference_mode} inference.')
        set_inference_mode(cfg, args.inference_mode)


@run_cli
def main() -> None:
    """Predict, print the scores."""
    args = parse_arguments()
    options = output_options(args)
    cfg = load_config(args.config, args.cfg_options)
    adjust(cfg, args)
    init_distributed(args.launcher)
    open_log(None, 'INFO')
    report = test(cfg, args.checkpoint, options)
    if is_main():
        if options.out is not None:
            print(f'writing results to {options.out}')
        print(report.text)
    close_distributed()


if __name__ == '__main__':
    main()
