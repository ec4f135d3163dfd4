"""What a network costs: parameters and floating point operations of its parts.

Counted by torch's own counter on tensors without data (device 'meta'), so that MiT-B5 on 1024 x 1024 pixels takes
seconds and no memory. As torch counts: matrix products, convolutions and attention, a multiplication with its
addition being two operations; norms, activations and resizing are left out. On the CPU torch overlooks fused
attention; on 'meta' it is taken apart and counted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmseg.models import build_segmentor
from mmseg.models.segmentors import EncoderDecoder, HRDAEncoderDecoder
from mmseg.models.segmentors.windows import window_boxes

STAGE = re.compile(
    r'backbone\.(?:encoder\.)?(?:model\.stages\.|patch_embed|block|norm|layer|blocks\.|stages[._])(\d)\b'
)
WITHIN_TIMM = {
    'backbone.encoder.model.blocks': 'backbone blocks',
    'backbone.pyramid': 'backbone pyramid',
    'backbone.adapter': 'backbone adapter',
}
"""Start of names -> part, of encoders whose blocks all have one stride."""
PLAIN, CONTEXT, DETAIL = 'network', 'context', 'detail'
Size = tuple[int, int]


@dataclass(frozen=True)
class Cost:
    """Of one picture.

    Attributes:
        size: its (height, width) as the network gets it.
        windows: number of sliding windows it is tested in; 1 = whole.
        parameters: by part.
        flops: by pass ('network', or 'context' and 'detail'), then by part, over all windows.
    """

    size: Size
    windows: int
    parameters: Mapping[str, int]
    flops: Mapping[str, Mapping[str, int]]

    @property
    def total(self) -> int:
        """Operations of the whole picture."""
        return sum(sum(parts.values()) for parts in self.flops.values())


def part_of(name: str) -> str:
    """The part that a module or parameter of a segmentor belongs to, e.g. 'backbone stage 2', 'head fuse_layer'."""
    if found := STAGE.match(name):
        first = int('blocks.' in found[0] or 'stages' in found[0])  # timm counts from 0
        return f'backbone stage {int(found[1]) + first}'
    top, *rest = name.split('.')
    if top == 'backbone':
        return next((part for start, part in WITHIN_TIMM.items() if name.startswith(start)), 'backbone, rest')
    if rest[:1] == ['scale_attention']:
        return 'scale attention'
    if top == 'decode_head':
        below = rest[1:] if rest[:1] == ['head'] else rest
        return ' '.join(['head', *below[:1]])
    return top.replace('_', ' ')


def build_without_data(model_cfg: Mapping[str, Any]) -> EncoderDecoder:
    """The segmentor of a configuration on device 'meta': shapes without numbers, in evaluation mode."""
    with torch.device('meta'):
        return build_segmentor({**model_cfg, 'pretrained': None}).eval()


def count_parameters(network: nn.Module) -> dict[str, int]:
    """Parameters by part."""
    counts: dict[str, int] = {}
    for name, parameter in network.named_parameters():
        counts[part_of(name)] = counts.get(part_of(name), 0) + parameter.numel()
    return counts


def measure(network: EncoderDecoder, size: Size) -> Cost:
    """Cost of testing a picture of (height, width), whole or by windows as ``test_cfg`` says.

    Args:
        network: on device 'meta', see :func:`build_without_data`.
        size: of the picture.
    """
    boxes = [(0, size[0], 0, size[1])]
    if network.test_cfg['mode'] == 'slide':
        boxes = window_boxes(size, network.test_cfg['crop_size'], network.test_cfg['stride'])
    y1, y2, x1, x2 = boxes[0]
    image = torch.empty(1, 3, y2 - y1, x2 - x1, device='meta')
    flops = {
        name: {part: count * repeats * len(boxes) for part, count in count_flops(network, run).items()}
        for name, repeats, run in _passes(network, image)
    }
    return Cost(size, len(boxes), count_parameters(network), flops)


def count_flops(network: nn.Module, run: Callable[[], object]) -> dict[str, int]:
    """Operations by part of what ``run`` does with the network."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _Run(network, run)()
    prefix = f'{_Run.__name__}.network.'
    inclusive = {
        name.removeprefix(prefix): sum(counts.values())
        for name, counts in counter.get_flop_counts().items()
        if name.startswith(prefix)
    }
    counts: dict[str, int] = {}
    for name, flops in _without_children(inclusive).items():
        counts[part_of(name)] = counts.get(part_of(name), 0) + flops
    return {part: flops for part, flops in counts.items() if flops}


class _Run(nn.Module):
    """Puts the network below one root, so that the counter names modules from there."""

    def __init__(self, network: nn.Module, run: Callable[[], object]) -> None:
        super().__init__()
        self.network = network
        self.run = run

    def forward(self) -> object:
        return self.run()


def _without_children(inclusive: Mapping[str, int]) -> dict[str, int]:
    """Counts of modules less those of the counted modules inside them."""
    own = dict(inclusive)
    for name, flops in inclusive.items():
        steps = name.split('.')
        parents = ('.'.join(steps[:end]) for end in range(len(steps) - 1, 0, -1))
        parent = next((parent for parent in parents if parent in own), None)
        if parent is not None:
            own[parent] -= flops
    return own


def _passes(network: EncoderDecoder, image: Tensor) -> Sequence[tuple[str, int, Callable[[], object]]]:
    """Name, repetitions and function of what the network does with an image (1, 3, H, W)."""
    if not isinstance(network, HRDAEncoderDecoder):
        return [(PLAIN, 1, lambda: network.encode_decode(image))]
    head = network.decode_head
    context, detail = network.scale_images(image, None).values()
    repeats = 1
    if network.hr_slide_inference:
        boxes = network.detail_windows((detail.shape[2], detail.shape[3]))
        y1, y2, x1, x2 = boxes[0]
        repeats, detail = len(boxes), detail[:, :, y1:y2, x1:x2]

    def see_context() -> None:
        features = network.extract_feat(context)
        head.decode(features)
        head.attend(features)

    return [
        (CONTEXT, 1, see_context),
        (DETAIL, repeats, lambda: head.decode(network.extract_feat(detail))),
    ]
