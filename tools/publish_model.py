"""Make a checkpoint ready to be shared: one network, no optimiser, facts about it, its hash in the name."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.errors import CheckpointError, DataError

EXAMPLES = """examples:
  python tools/publish_model.py CHECKPOINT published/student.pth
  python tools/publish_model.py CHECKPOINT published/teacher.safetensors --network teacher
  python tools/publish_model.py CHECKPOINT published/scored.pth --config CONFIG --result WORK_DIR/result_student.json

The name of the new file gets the start of its sha256: published/student-0123abcd.pth.
"""
KEPT = ('exp_name', 'iter', 'seed', 'mmseg_version', 'CLASSES', 'PALETTE', 'config')
"""Facts of the training run that are published; others, such as the machine it ran on, are not."""


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Strip a checkpoint to one network (optimiser, teacher and ImageNet network are dropped), add '
        'what is known about it, and put its hash into the name.',
        epilog=EXAMPLES,
    )
    parser.add_argument(
        'checkpoint', type=Path, help='of a training run, or any file that tools/test.py takes'
    )
    parser.add_argument('out', type=Path, help='new file; the ending says the format: .pth or .safetensors')
    parser.add_argument('--network', choices=('student', 'teacher', 'frozen'), default='student',
                        help='which network of a self-training checkpoint (default: student)')  # fmt: skip
    parser.add_argument('--config', type=Path, metavar='FILE',
                        help='configuration to publish with it (default: the one inside the checkpoint)')  # fmt: skip
    parser.add_argument('--result', type=Path, metavar='FILE',
                        help='scores of tools/test.py (default: result_NETWORK.json beside it)')  # fmt: skip
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args()


def facts(meta: Mapping[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """What the published file says about itself."""
    from mmseg.fileio import read_text
    from mmseg.models.weights.writing import plain

    kept = {key: plain(meta[key], 2) for key in KEPT if key in meta}
    if args.config is not None:
        kept['config'] = read_text(args.config)
    result = args.result or args.checkpoint.parent / f'result_{args.network}.json'
    if args.result is not None or result.is_file():
        kept['scores'] = read_scores(result)
    return {**kept, 'network': args.network}


def read_scores(file: Path) -> dict[str, Any]:
    """mIoU and IoU of the classes in percent; raises CheckpointError if the file is not tools/test.py's."""
    from mmseg.fileio import read_json

    try:
        content = read_json(file)
        return {'mIoU': content['mIoU'], 'class_iou': content['class_iou']}
    except (DataError, LookupError, TypeError) as error:
        raise CheckpointError(
            f'{file} holds no scores. Expected what tools/test.py --eval mIoU writes beside a checkpoint; run it again.'
        ) from error


def size(path: Path) -> str:
    """Of a file, for a person."""
    return f'{path.stat().st_size / 1e6:.1f} MB'


@run_cli
def main() -> None:
    """Read, strip, write, tell."""
    args = parse_args()
    from mmseg.models.weights import (
        describe,
        meta_of,
        put_hash_into_name,
        read_weight_file,
        select_network,
        state_dict_of,
        write_weights,
    )
    from mmseg.models.weights.writing import check_suffix, plain

    check_suffix(args.out)
    content = read_weight_file(args.checkpoint)
    everything = state_dict_of(content, args.checkpoint)
    state = select_network(everything, args.network, args.checkpoint)
    about = facts(meta_of(content), args)
    write_weights(args.out, state, about)
    written = put_hash_into_name(args.out)
    found = describe(state) or 'unknown network'
    print(f'{args.checkpoint} ({size(args.checkpoint)}, {len(everything)} tensors): {found}')
    for key, value in about.items():
        text = str(plain(value)).strip().replace('\n', ' ')
        print(f'  {key}: {text if len(text) <= 80 else text[:77] + "..."}')
    print(f'written: {written} ({size(written)}, {len(state)} tensors)')


if __name__ == '__main__':
    main()
