"""Write a network as ONNX or TorchScript."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_config_options
from mmseg.toolbox.prediction.trained import add_trained, parse_trained

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmseg.toolbox.export import Shape

EXAMPLES = """examples:
  python tools/export.py WORK_DIR --out network.onnx
  python tools/export.py CONFIG CHECKPOINT --out network.onnx --pictures IMAGE
  python tools/export.py CONFIG CHECKPOINT --out network.ts --shape 64 128 --shape 50 90 --network teacher
  python tools/export.py HRDA_CONFIG HRDA_CHECKPOINT --out hrda.onnx --shape 64 64

input 'image': RGB pictures, float32 (B, 3, H, W) in 0..255; output 'logits': float32 (B, C, H, W). The file normalises
pictures itself and carries 'classes' and 'palette' as JSON. Whole-image inference of a network of one scale takes any
batch, height and width. HRDA, and sliding windows, compute as many windows as the size needs: a file of them is for
one size and batch 1, and --shape may be repeated to write one file for each.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Write a network as ONNX or TorchScript, run the file beside the network, and keep it only if both '
        'predict the same.',
        epilog=EXAMPLES,
    )
    add_trained(parser)
    parser.add_argument('--out', type=Path, required=True, metavar='FILE',
                        help='file.onnx for ONNX, file.ts or file.pt for TorchScript')  # fmt: skip
    parser.add_argument('--shape', nargs=2, type=int, action='append', metavar=('HEIGHT', 'WIDTH'),
                        help='size at which both are compared; may be repeated (default: that of the test pipeline, '
                        'and three quarters of it)')  # fmt: skip
    parser.add_argument('--pictures', nargs='+', type=Path, default=[], metavar='FILE',
                        help='pictures on which both are compared, besides noise')  # fmt: skip
    parser.add_argument(
        '--fixed-size', action='store_true', help='one file for each --shape, for any network'
    )
    parser.add_argument('--network', choices=('student', 'teacher'), default='student',
                        help='which network of a self-training checkpoint (default: %(default)s)')  # fmt: skip
    parser.add_argument('--inference-mode', choices=('whole', 'slide', 'same'), default='whole',
                        help='whole pictures, sliding windows, or as configured (default: %(default)s)')  # fmt: skip
    add_config_options(parser, 'model.test_cfg.mode=whole')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parse_trained(parser)


def chosen_shapes(given: Sequence[Sequence[int]] | None, cfg: Config, fixed: bool) -> list[Shape]:
    """The named sizes, else that of the test pipeline and, where one file serves all, a second one."""
    from mmseg.toolbox.testing.command_options import chosen_sizes

    sizes = chosen_sizes(cfg, given)
    if not given and not fixed:
        height, width = sizes[0]
        sizes.append((height * 3 // 4, width * 3 // 4))
    return sizes


def named(out: Path, shape: Shape, several: bool) -> Path:
    """The file for one size."""
    return out.with_name(f'{out.stem}_{shape[0]}x{shape[1]}{out.suffix}') if several else out


@run_cli
def main() -> None:
    """Load, write, compare."""
    args = parse_arguments()
    from mmseg.apis import init_model
    from mmseg.config import load_config, require_sections
    from mmseg.toolbox.export import PictureNetwork, any_size, export
    from mmseg.toolbox.testing.command_options import set_inference_mode

    cfg = load_config(args.config, {**args.cfg_options, 'precision': 'fp32', 'compile': False})
    require_sections(cfg, ['model', 'data.test.pipeline'])
    if args.inference_mode != 'same':
        set_inference_mode(cfg, args.inference_mode)
    network = PictureNetwork(init_model(cfg, args.checkpoint, 'cpu', args.network)).eval()
    fixed = args.fixed_size or not any_size(network.model)
    shapes = chosen_shapes(args.shape, cfg, fixed)
    jobs = (
        [(named(args.out, shape, len(shapes) > 1), [shape]) for shape in shapes]
        if fixed
        else [(args.out, shapes)]
    )
    for path, compared in jobs:
        for one in export(network, path, compared, args.pictures, fixed):
            print(
                f'{one.pictures} {"x".join(map(str, one.shape))}: largest difference {one.largest:.1e} '
                f'(largest logit {one.scale:.1e}), same class {100 * one.agreement:.3f} %'
            )
        size = ' x '.join(map(str, compared[0])) if fixed else 'any size'
        print(f'{path}: {path.stat().st_size / 1e6:.1f} MB, {size}')


if __name__ == '__main__':
    main()
