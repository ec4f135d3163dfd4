"""Convert Mix Transformer and SegFormer weights between the layouts of different programs."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from mmseg.models.weights import State

EXAMPLES = """examples:
  python tools/convert_weights.py WEIGHTS
  python tools/convert_weights.py WEIGHTS converted/model.safetensors --to huggingface
  python tools/convert_weights.py converted/model.safetensors converted/mit_b0.pth
  python tools/convert_weights.py CHECKPOINT converted/encoder.pth --network teacher --to mit
"""
TARGETS = {
    'mit': "the encoder alone, with the names of the official ImageNet files: for 'pretrained' in configurations",
    'segmentor': 'encoder and decode head, with the names of our checkpoints',
    'huggingface': 'SegFormer of Hugging Face transformers',
    'smp': 'segmentation_models.pytorch',
}

PARTS = re.compile(r'(backbone(?!\.head\.)|neck|decode_head|auxiliary_head)\.')
"""What belongs to a segmentor; the classifiers of ImageNet files do not."""


def parse_args() -> argparse.Namespace:
    """The command line."""
    known = '\n'.join(f'  {name}: {text}' for name, text in TARGETS.items())
    parser = Parser(
        description='Say what a weight file holds and, with a second name, write it in another layout.\n\n'
        f"Layouts that are written:\n{known}\nRead are these, official SegFormer's and those of "
        'mmsegmentation 0.17 and transformers 5, with or without prefixes of wrappers.',
        epilog=EXAMPLES,
    )
    parser.add_argument('source', type=Path, help='weight file: .pth, .bin, .safetensors')
    parser.add_argument('out', type=Path, nargs='?', help='new file; the ending says the format')
    parser.add_argument('--to', choices=tuple(TARGETS), help='layout of the new file (default: mit)')
    parser.add_argument('--network', choices=('student', 'teacher', 'frozen'), default='student',
                        help='which network of a self-training checkpoint (default: student)')  # fmt: skip
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args()


def convert(state: State, target: str, path: Path) -> State:
    """A network in our layout as another program, or ``pretrained``, wants it."""
    from mmseg.models.weights import encoder_weights, relayout
    from mmseg.models.weights.layouts import encoder_below_backbone

    if target == 'mit':
        return checked_encoder(encoder_weights(state), path)
    if target == 'segmentor':
        return {key: value for key, value in encoder_below_backbone(state).items() if PARTS.match(key)}
    checked_encoder(encoder_weights(state), path)
    return relayout(state, target)


def checked_encoder(encoder: State, path: Path) -> State:
    """The tensors of a Mix Transformer in their published order.

    Raises:
        CheckpointError: it is none, or some are missing.
    """
    from mmseg.models.weights import describe
    from mmseg.models.weights.recognition import ENCODERS, encoder_keys, recognise_encoder
    from mmseg.models.weights.state import some

    name = recognise_encoder({key: tuple(value.shape) for key, value in encoder.items()})
    variant = (name or '').rpartition(' ')[2]
    if variant not in ENCODERS or not variant.startswith('mit'):
        raise CheckpointError(
            f'{path} holds {describe(encoder) or "an unknown network"}. Expected a Mix Transformer, mit_b0 to mit_b5: '
            'only these have names in other layouts.'
        )
    wanted = encoder_keys(variant)
    missing = [key for key in wanted if key not in encoder]
    if missing or name != variant:
        raise CheckpointError(
            f'{path} is {name}; it lacks {some(missing)}, or shapes differ. Expected a whole encoder; download or '
            'copy the file again.'
        )
    return {key: encoder[key] for key in wanted}


@run_cli
def main() -> None:
    """Read, tell, convert, write."""
    args = parse_args()
    from mmseg.models.weights import LAYOUTS, describe, layout_of, load_weights, select_network, write_weights
    from mmseg.models.weights.selection import unwrap
    from mmseg.models.weights.writing import check_suffix

    if args.out is not None:
        check_suffix(args.out)
    elif args.to is not None:
        raise UsageError(
            f'--to {args.to} is the layout of a new file, but none was named: add it after {args.source}.'
        )
    everything = load_weights(args.source)
    state = select_network(everything, args.network, args.source)
    layout = layout_of(unwrap(everything))
    title = LAYOUTS[layout].title if layout else 'our layout, that of the official files'
    print(f'{args.source}: {len(everything)} tensors, {title}; {describe(state) or "unknown network"}')
    if args.out is None:
        return
    target = args.to or 'mit'
    converted = convert(state, target, args.source)
    write_weights(args.out, converted, {} if target == 'segmentor' else None)
    print(f'written: {args.out} ({len(converted)} tensors, {TARGETS[target]})')


if __name__ == '__main__':
    main()
