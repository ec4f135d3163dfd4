"""Make a checkpoint ready to be shared: one network, facts about it, its hash in the name, a model card beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_import_option
from mmseg.errors import CheckpointError, DataError
from mmseg.fileio import atomic_write

if TYPE_CHECKING:
    from mmseg.models.weights.state import State

EXAMPLES = """examples:
  python tools/publish_model.py CHECKPOINT published/student.pth
  python tools/publish_model.py CHECKPOINT published/teacher.safetensors --network teacher
  python tools/publish_model.py CHECKPOINT published/scored.pth --config CONFIG --result WORK_DIR/result_student.json

The name of the new file gets the start of its sha256: published/student-0123abcd.pth. Beside it lie a model card
(.md), the same as a metafile (.yml) and, where it can be written without code, the configuration (.json).
"""
KEPT = ('exp_name', 'iter', 'seed', 'mmseg_version', 'CLASSES', 'PALETTE', 'config')
"""Facts of the training run that are published; others, such as the machine it ran on, are not."""


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Strip a checkpoint to one network (optimiser, teacher and ImageNet network are dropped), add '
        'what is known about it, put its hash into the name, and write a model card.',
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
    parser.add_argument('--licence', default='', metavar='TEXT',
                        help='licence of the weights, for the card; it is yours to state')  # fmt: skip
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args()


def facts(meta: Mapping[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """What the published file says about itself."""
    from mmseg.config import load_config
    from mmseg.config.writing import config_text
    from mmseg.models.weights.writing import plain

    kept = {key: plain(meta[key], 2) for key in KEPT if key in meta}
    if args.config is not None:
        kept['config'] = config_text(load_config(args.config))  # whole: its base files stay here
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


def describe_beside(
    written: Path, state: State, found: str, about: Mapping[str, Any], licence: str
) -> list[Path]:
    """Card, metafile and configuration of a published file, beside it.

    Args:
        written: the file.
        state: its tensors.
        found: encoder and head in words, or ''.
        about: what it says about itself.
        licence: of the weights, or ''.

    Returns:
        What was written. The configuration is data (JSON): that of a stranger's checkpoint must not run.
    """
    from mmseg.config.literals import written_values
    from mmseg.fileio import sha256_of
    from mmseg.toolbox.model_card import Published, card, metafile

    texts = {}
    values, whole = written_values(str(about.get('config', '')))
    if values and whole:
        texts['.json'] = json.dumps(values, indent=2) + '\n'
    config = written.with_suffix('.json').name if texts else ''
    numbers = sum(tensor.numel() for tensor in state.values())
    model = Published(
        written.name, sha256_of(written), written.stat().st_size, found, numbers, about, config, licence
    )
    texts |= {'.md': card(model), '.yml': metafile(model)}
    for ending, text in texts.items():
        with atomic_write(written.with_suffix(ending)) as temporary:
            Path(temporary).write_text(text, encoding='utf-8')
    return [written.with_suffix(ending) for ending in texts]


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
    for path in describe_beside(written, state, describe(state) or '', about, args.licence):
        print(f'written: {path}')


if __name__ == '__main__':
    main()
