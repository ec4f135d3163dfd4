"""Give a trained network the batch-norm statistics of unlabelled target pictures (AdaBN)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_import_option

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES = """examples:
  python tools/adapt_bn.py CONFIG CHECKPOINT adapted.pth --img-dir leftImg8bit/train
  python tools/adapt_bn.py CONFIG CHECKPOINT adapted.pth --img-dir leftImg8bit/train --network teacher --images 100
Then score it: python tools/test.py CONFIG adapted.pth --eval mIoU
"""


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Give a trained network the batch-norm statistics of unlabelled pictures of the target: a '
        'baseline of adaptation without training. Frozen layers stay as they are.',
        epilog=EXAMPLES,
    )
    parser.add_argument('config', help='configuration with the network and data.test')
    parser.add_argument('checkpoint', help='weights of the network')
    parser.add_argument('out', type=Path, help='new file; the ending says the format: .pth or .safetensors')
    parser.add_argument(
        '--img-dir',
        required=True,
        metavar='DIR',
        help='folder of the pictures, in place of data.test.img_dir; not those that are scored',
    )
    parser.add_argument(
        '--images', type=int, default=60, help='at equal distances, at most (default: %(default)s)'
    )
    parser.add_argument('--network', choices=('student', 'teacher'), default='student',
                        help='of a self-training checkpoint (default: %(default)s)')  # fmt: skip
    parser.add_argument('--device', help='default: the GPU if there is one, else the CPU')
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args()


def pictures(dataset: Any, count: int, device: Any) -> Iterator[Tensor]:
    """``count`` pictures at equal distances, each as a batch (1, 3, H, W)."""
    from mmseg.datasets.files import spread

    for index in spread(len(dataset), count):
        yield dataset[index]['img'][0].unsqueeze(0).to(device)


@run_cli
def main() -> None:
    """Adapt and write."""
    args = parse_args()
    from mmseg.apis import init_model
    from mmseg.config import load_config
    from mmseg.datasets import build_dataset
    from mmseg.models.weights import write_weights
    from mmseg.models.weights.writing import check_suffix
    from mmseg.toolbox.batch_statistics import adapt_batch_norms

    check_suffix(args.out)
    cfg = load_config(args.config)
    test = {
        **cfg.data.test.to_dict(),
        'img_dir': args.img_dir,
        'ann_dir': None,
        'split': None,
        'test_mode': True,
    }
    dataset = build_dataset(test)
    network = init_model(cfg, args.checkpoint, args.device, args.network)
    device = next(network.parameters()).device
    layers, count = adapt_batch_norms(network, pictures(dataset, args.images, device), network.predict_logits)
    meta = {'CLASSES': list(dataset.CLASSES or ()), 'PALETTE': [list(c) for c in dataset.PALETTE or ()]}
    write_weights(args.out, network.state_dict(), meta)
    print(f'{args.out}: statistics of {count} pictures in {layers} batch norms')


if __name__ == '__main__':
    main()
