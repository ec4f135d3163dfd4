"""Segment pictures and videos with a trained network."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import opacity, run_cli, whole_number
from mmseg.config import add_config_options
from mmseg.errors import UsageError
from mmseg.toolbox.prediction.trained import parse_positions

if TYPE_CHECKING:
    from mmengine.config import Config

KINDS = ('overlay', 'colour', 'ids', 'probabilities')

EXAMPLES = """examples:
  python demo/image_demo.py IMAGE WORK_DIR
  python demo/image_demo.py IMAGE CONFIG CHECKPOINT
  python demo/image_demo.py IMAGES CONFIG CHECKPOINT --out-dir predictions --save overlay ids probabilities
  python demo/image_demo.py VIDEO CONFIG CHECKPOINT --out-dir predictions --batch-size 8 --opacity 0.7
  python demo/image_demo.py "IMAGES/*.png" HRDA_CONFIG HRDA_CHECKPOINT --out-dir whole --inference-mode whole

results: NAME_pred.jpg (overlay with legend), NAME_colour.png, NAME_ids.png (grey levels are class ids),
NAME_probabilities.npz (float16, classes x height x width); of a video NAME_pred.mp4, NAME_colour.mp4 and folders with
the ids and probabilities of each frame.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Segment pictures and videos of any resolution with a trained network.', epilog=EXAMPLES
    )
    parser.add_argument('img', nargs='+', help='pictures, videos, folders or patterns such as "*.jpg"')
    parser.add_argument('trained', metavar='config checkpoint | work_dir',
                        help='configuration (Python or JSON) and weights (of a training run, published, or of a plain '
                        'network), or the folder of a run: its configuration and newest weights')  # fmt: skip
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    add_network_options(parser.add_argument_group('network'))
    add_output_options(parser.add_argument_group('results'))
    args, left = parse_positions(parser)
    words = [*args.img, args.trained, *left]
    if Path(words[-1]).is_dir():
        from mmseg.toolbox.prediction.runs import find_run

        *args.img, folder = words
        args.config, args.checkpoint = find_run(folder)
    elif len(words) == 2:
        parser.error('after the pictures: expected configuration and checkpoint, or the folder of a run')
    else:
        *args.img, args.config, args.checkpoint = words
    return args


def add_network_options(group: Any) -> None:
    """Options that say what predicts, and how."""
    group.add_argument('--device', help='cpu, cuda:0, ... (default: the GPU if there is one)')
    group.add_argument('--network', choices=('student', 'teacher'), default='student',
                       help='which network of a self-training checkpoint (default: %(default)s)')  # fmt: skip
    group.add_argument('--batch-size', type=whole_number(1), default=4, metavar='N',
                       help='so many pictures of equal size, or frames, at once (default: %(default)s)')  # fmt: skip
    group.add_argument('--scale', type=whole_number(1), nargs=2, metavar=('WIDTH', 'HEIGHT'),
                       help='size that pictures are fitted into for the network, shape kept (default: of the '
                       'configuration)')  # fmt: skip
    group.add_argument('--aug-test', '--tta', action='store_true', help='average over six scales and flips')
    group.add_argument('--inference-mode', choices=('same', 'whole', 'slide'), default='same',
                       help='whole pictures or sliding windows (default: as configured)')  # fmt: skip
    add_config_options(group, 'precision=bf16')


def add_output_options(group: Any) -> None:
    """Options that say what is kept."""
    group.add_argument('--out-dir', type=Path, metavar='DIR',
                       help='where to write (default: beside the pictures; folders and patterns need one)')  # fmt: skip
    group.add_argument('--save', nargs='+', choices=KINDS, default=['overlay'], metavar='KIND',
                       help=f'any of {", ".join(KINDS)} (default: overlay)')  # fmt: skip
    group.add_argument('--opacity', type=opacity, default=0.5,
                       help='of the colours in overlays, in (0, 1] (default: %(default)s)')  # fmt: skip
    group.add_argument('--legend', action=argparse.BooleanOptionalAction, default=True,
                       help='class names and colours below overlays (default: yes)')  # fmt: skip
    group.add_argument('--palette', choices=('cityscapes',),
                       help="colours and names of classes (default: the checkpoint's or data set's)")  # fmt: skip


def configured(args: argparse.Namespace) -> Config:
    """The configuration with the options applied that change it."""
    from mmseg.config import load_config, require_sections
    from mmseg.toolbox.testing.command_options import set_inference_mode, set_multi_scale, set_scale

    cfg = load_config(args.config, args.cfg_options)
    require_sections(cfg, ['model', 'data.test.pipeline'])
    if args.scale:
        set_scale(cfg, args.scale)
    if args.aug_test:
        set_multi_scale(cfg)
    if args.inference_mode != 'same':
        set_inference_mode(cfg, args.inference_mode)
    return cfg


def legend_of(model: Any, palette: str | None) -> tuple[Any, Any]:
    """Names and colours of the classes.

    Raises:
        UsageError: the named palette is for another number of classes.
    """
    from mmseg.datasets.classes import CLASSES, PALETTE

    if palette is None:
        return model.CLASSES, model.PALETTE
    if model.num_classes != len(CLASSES):
        raise UsageError(
            f'--palette {palette} has {len(CLASSES)} classes, the network {model.num_classes}; leave it out.'
        )
    return CLASSES, PALETTE


@run_cli
def main() -> None:
    """Read, predict, write."""
    args = parse_arguments()
    from tqdm import tqdm

    from mmseg.apis import Inferencer, ResultWriter, init_model
    from mmseg.toolbox.prediction.sources import find_sources, read_frames

    sources = find_sources(args.img)
    if args.out_dir is None and not all(source.named for source in sources):
        raise UsageError('Folders and patterns need a place for their results: add --out-dir DIR.')
    model = init_model(configured(args), args.checkpoint, args.device, args.network)
    inferencer = Inferencer(model, args.batch_size, 'probabilities' in args.save)
    names, colours = legend_of(model, args.palette)
    frames = tqdm(read_frames(sources), unit='img', disable=not sys.stderr.isatty())
    with ResultWriter(args.save, names, colours, args.out_dir, args.opacity, args.legend) as writer:
        for result in inferencer.stream(iter(frames)):
            for path in writer.add(result):
                tqdm.write(f'Save prediction to {path}')


if __name__ == '__main__':
    main()
