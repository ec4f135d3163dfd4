"""Test a checkpoint: scores per class, predictions as pictures."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import default_launcher, opacity, run_cli, whole_number
from mmseg.config import OptionsAction, add_config_options
from mmseg.errors import UsageError
from mmseg.toolbox.prediction.trained import add_trained, parse_trained

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmseg.toolbox.testing.run import OutputOptions

EXAMPLES = """examples:
  python tools/test.py WORK_DIR --eval mIoU
  python tools/test.py CONFIG CHECKPOINT --eval mIoU --out RESULTS.pkl --confusion-matrix confusion.png
  python tools/test.py CONFIG CHECKPOINT --eval mIoU --network teacher --tta --amp --show-dir preds --opacity 1
  python tools/test.py CONFIG CHECKPOINT --test-set --format-only --out-dir labelIds
  python tools/test.py HRDA_CONFIG HRDA_CHECKPOINT --eval mIoU --hrda-panel panels --inference-mode whole
  python tools/test.py HRDA_CONFIG HRDA_CHECKPOINT --hrda-out ATT --show-dir preds_ATT
  torchrun --standalone --nproc-per-node 2 tools/test.py CONFIG CHECKPOINT --eval mIoU
The third one leaves labelIds.zip, ready for the Cityscapes server. For ACDC and Dark Zurich, which want train ids:
--test-set --format-only --eval-options imgfile_prefix=labelTrainIds to_label_id=False
"""
METRICS = ('mIoU', 'mDice', 'mFscore', 'cityscapes')


class NoWindows(argparse.Action):
    """``--show`` of earlier releases opened a window for each picture."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.error('--show: no windows are opened, the pictures are written to a folder: --show-dir DIR')


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Test a checkpoint: scores per class, predictions as colour pictures or as label PNGs.',
        epilog=EXAMPLES,
    )
    add_trained(parser)
    add_config_options(parser, 'data.workers_per_gpu=2')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    add_network_options(parser.add_argument_group('network and data'))
    add_output_options(
        parser.add_argument_group(
            'output, at least one of --eval, --show-dir, --out, --format-only, --hrda-panel'
        )
    )
    add_process_options(parser.add_argument_group('several processes'))
    return parse_trained(parser)


def add_network_options(group: Any) -> None:
    """Options that say what is predicted and how."""
    group.add_argument('--network', choices=('student', 'teacher'), default='student',
                       help='which network of a self-training checkpoint (default: student)')  # fmt: skip
    group.add_argument('--aug-test', '--tta', action='store_true', help='average over six scales and flips')
    group.add_argument('--inference-mode', choices=('same', 'whole', 'slide'), default='same',
                       help='whole pictures or sliding windows (default: same as the configuration)')  # fmt: skip
    group.add_argument('--hrda-out', choices=('LR', 'HR', 'ATT'),
                       help='HRDA: predict from the context (LR) or the detail (HR) alone, or show the attention to '
                       'the detail as grey pictures (ATT, needs --show-dir)')  # fmt: skip
    group.add_argument('--together', type=whole_number(1), default=1, metavar='N',
                       help='pictures of one size that share a forward pass (default: 1); more are faster on a GPU '
                       'and may change the last bits')  # fmt: skip
    group.add_argument(
        '--test-set', action='store_true', help='replace val by test in the folders of data.test'
    )
    group.add_argument(
        '--amp', action='store_true', help='compute in bfloat16 where it is safe (precision=bf16)'
    )


def add_process_options(group: Any) -> None:
    """Options of runs with several processes; all that earlier releases had."""
    group.add_argument('--launcher', choices=('none', 'pytorch'), default=default_launcher(),
                       help='pytorch: several processes, started by torchrun, which need not be said')  # fmt: skip
    group.add_argument('--tmpdir', type=Path, metavar='DIR',
                       help='where the parts of --out lie until the last one, the same for all processes (default: '
                       'beside the file)')  # fmt: skip
    group.add_argument('--gpu-collect', action='store_true',
                       help='accepted for old commands: processes always sum their scores directly')  # fmt: skip
    group.add_argument('--local-rank', '--local_rank', type=int, metavar='N',
                       help='given by launchers older than torchrun')  # fmt: skip


def add_output_options(group: Any) -> None:
    """Options that say what is kept."""
    group.add_argument(
        '--eval', nargs='+', choices=METRICS, default=[], metavar='METRIC', help=', '.join(METRICS)
    )
    group.add_argument('--confusion-matrix', type=Path, metavar='FILE',
                       help='with --eval: write pixel counts (.csv) or a chart (.png, .pdf, .svg) of what is taken for '
                       'what')  # fmt: skip
    group.add_argument('--show', action=NoWindows, nargs=0, help=argparse.SUPPRESS)
    group.add_argument('--show-dir', type=Path, metavar='DIR', help='write pictures with class colours')
    group.add_argument('--opacity', type=opacity, default=0.5,
                       help='of the colours, in (0, 1]; 1 hides the picture (default: 0.5)')  # fmt: skip
    group.add_argument('--out', type=Path, metavar='FILE', help='write all class maps to a .pkl file')
    group.add_argument(
        '--format-only', action='store_true',
        help='no scores: write PNGs for a submission to --out-dir DIR, and DIR.zip to upload',
    )  # fmt: skip
    group.add_argument('--out-dir', type=Path, metavar='DIR',
                       help='write PNGs of class ids there; with --format-only, for the 19 classes of Cityscapes, of '
                       'official ids')  # fmt: skip
    group.add_argument('--hrda-panel', type=Path, metavar='DIR',
                       help='HRDA: write a panel for each picture: LR and HR prediction, attention, fused prediction '
                       'and, with --eval, truth')  # fmt: skip
    group.add_argument('--eval-options', nargs='+', action=OptionsAction, default={}, metavar='KEY=VALUE',
                       help='imgfile_prefix=DIR (as --out-dir), to_label_id=True|False')  # fmt: skip
    group.add_argument('--work-dir', type=Path, metavar='DIR',
                       help='folder of result_NETWORK.json for reports (default: that of the checkpoint)')  # fmt: skip


def output_options(args: argparse.Namespace) -> OutputOptions:
    """What to keep; raises UsageError if that is nothing or contradicts itself."""
    from mmseg.toolbox.testing.run import OutputOptions

    extra = dict(args.eval_options)
    folder = extra.pop('imgfile_prefix', args.out_dir)
    to_label_id = extra.pop('to_label_id', None if args.format_only else False)
    extra.pop('efficient_test', None)
    if extra:
        raise UsageError(
            f'--eval-options {", ".join(extra)}: not known; expected imgfile_prefix or to_label_id.'
        )
    check_outputs(args, folder)
    return OutputOptions(
        metrics=tuple(args.eval),
        network=args.network,
        show_dir=args.show_dir,
        opacity=args.opacity,
        out=args.out,
        parts_dir=args.tmpdir,
        label_dir=None if folder is None else Path(folder),
        to_label_id=True if 'cityscapes' in args.eval else to_label_id,
        archive=Path(f'{str(folder).rstrip("/")}.zip') if args.format_only else None,
        # Scores of one scale alone are not the run's result.
        result_dir=args.work_dir or (None if args.hrda_out else Path(args.checkpoint).parent),
        attention=args.hrda_out == 'ATT',
        panel_dir=args.hrda_panel,
        confusion_file=args.confusion_matrix,
        together=args.together,
    )


def check_outputs(args: argparse.Namespace, folder: object) -> None:
    """Raise UsageError if the outputs asked for contradict each other; ``folder`` is that of PNGs of ids."""
    from mmseg.toolbox.reports.confusion import check_confusion_file

    if args.format_only and args.eval:
        raise UsageError('--format-only writes files only and excludes --eval; give one of them.')
    if args.format_only and folder is None:
        raise UsageError('--format-only needs a folder for the PNGs: add --out-dir DIR.')
    if args.confusion_matrix is not None:
        if not args.eval:
            raise UsageError('--confusion-matrix counts what is scored: add --eval mIoU.')
        check_confusion_file(args.confusion_matrix)
    if args.out is not None and args.out.suffix not in ('.pkl', '.pickle'):
        raise UsageError(f'--out {args.out}: expected a name that ends in .pkl or .pickle.')
    if args.hrda_out == 'ATT':
        check_attention(args)
    if not (args.eval or args.show_dir or args.out or args.hrda_panel or folder):
        raise UsageError(
            'Nothing to do: give at least one of --eval, --show-dir, --out, --format-only, --hrda-panel.'
        )


def check_attention(args: argparse.Namespace) -> None:
    """Attention is a picture, no class map; raises UsageError for options that need classes."""
    if args.show_dir is None:
        raise UsageError('--hrda-out ATT writes the attention as pictures: add --show-dir DIR.')
    given = {
        '--eval': args.eval, '--out': args.out, '--out-dir': args.out_dir, '--format-only': args.format_only,
        '--hrda-panel': args.hrda_panel, '--aug-test': args.aug_test, '--eval-options': args.eval_options,
    }  # fmt: skip
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise UsageError(f'--hrda-out ATT predicts no classes and excludes {", ".join(wrong)}.')


def adjust(cfg: Config, args: argparse.Namespace) -> None:
    """Apply the options that change the configuration."""
    from mmseg.toolbox.testing.command_options import (
        check_scales,
        set_inference_mode,
        set_multi_scale,
        set_scale_output,
        set_test_split,
    )

    if args.aug_test:
        set_multi_scale(cfg)
    if args.test_set:
        set_test_split(cfg)
    if args.hrda_out:
        set_scale_output(cfg, args.hrda_out)
    if args.hrda_panel:
        check_scales(cfg, '--hrda-panel')
    if args.inference_mode != 'same':
        print(f'Force {args.inference_mode} inference.')
        set_inference_mode(cfg, args.inference_mode)


@run_cli
def main() -> None:
    """Predict, print the scores."""
    args = parse_arguments()
    options = output_options(args)
    precision = {'precision': 'bf16'} if args.amp else {}
    from mmseg.config import load_config, require_sections
    from mmseg.engine.distributed import close_distributed, init_distributed, is_main
    from mmseg.engine.environment import open_log
    from mmseg.toolbox.testing.run import test

    cfg = load_config(args.config, {**args.cfg_options, **precision})
    require_sections(cfg, ['model', 'data.test'])
    adjust(cfg, args)
    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    init_distributed(args.launcher)
    open_log(None, 'INFO')
    report = test(cfg, args.checkpoint, options)
    if is_main():
        if options.out is not None:
            print(f'writing results to {options.out}')
        if options.archive is not None:
            print(f'{options.label_dir} is packed in {options.archive}, ready to upload')
        if report.text:
            print(report.text)
    close_distributed()


if __name__ == '__main__':
    main()
