"""The names of architectures: ``sfa_dlv3p_nodbn`` + ``mitb5-del`` -> base file and changes to it.

An architecture is a list of tokens joined by ``_`` (docs/methods/experiments.md#base-files to #architecture-names):
an optional ``sfa`` (neck that brings the deepest level to stride 8), the decoder's name, an optional ``nodbn``
(decoder without norm). In front may stand ``hrda1-CROP-WEIGHT[-OPTION]*``, which puts HRDA around it
(``mmseg.toolbox.experiments.hrda_token``). No other module takes such names apart.
"""

import re
from dataclasses import dataclass
from typing import Any

from mmseg.errors import UsageError, nearest
from mmseg.toolbox.experiments.hrda_token import HRDAToken, parse_hrda

Values = dict[str, Any]

RESNET_DECODERS = {
    'dlv2': 'deeplabv2_r50-d8',
    'dlv2red': 'deeplabv2red_r50-d8',
    'dlv3p': 'deeplabv3plus_r50-d8',
    'da': 'danet_r50-d8',
    'isa': 'isanet_r50-d8',
}
"""Decoders whose base file has a ResNet-50, which the backbone then changes."""

MIT_DECODERS = {
    'daformer_conv1': 'daformer_conv1_mitb5',
    'daformer_aspp': 'daformer_aspp_mitb5',
    'daformer_sepaspp': 'daformer_sepaspp_mitb5',
    'daformer_isa': 'daformer_isa_mitb5',
    'daformer_sepaspp_bottleneck': 'daformer_sepaspp_bottleneck_mitb5',
    'upernet': 'upernet_mit',
    'upernet_ch256': 'upernet_ch256_mit',
}
"""Decoders whose base file has a MiT."""

SEGFORMER_FILES = {
    'mitb3': 'segformer_b5',
    'mitb4': 'segformer_b5',
    'mitb5': 'segformer_b5',
    'r101v1c': 'segformer_r101',
}
"""Base file of the SegFormer decoder by backbone."""

_RESNEST = {'type': 'ResNeSt', 'radix': 2, 'reduction_factor': 4, 'avg_down_stride': True}
_RESNEXT = {'type': 'ResNeXt', 'groups': 32, 'base_width': 4}

BACKBONES: dict[str, tuple[str, Values]] = {
    'mitb3': ('pretrained/mit_b3.pth', {'type': 'mit_b3'}),
    'mitb4': ('pretrained/mit_b4.pth', {'type': 'mit_b4'}),
    'mitb5': ('pretrained/mit_b5.pth', {'type': 'mit_b5'}),
    'r50v1c': ('open-mmlab://resnet50_v1c', {'depth': 50}),
    'r101v1c': ('open-mmlab://resnet101_v1c', {'depth': 101}),
    'x50-32': ('open-mmlab://resnext50_32x4d', {**_RESNEXT, 'depth': 50}),
    'x101-32': ('open-mmlab://resnext101_32x4d', {**_RESNEXT, 'depth': 101}),
    's50': ('open-mmlab://resnest50', {**_RESNEST, 'depth': 50, 'stem_channels': 64}),
    's101': ('open-mmlab://resnest101', {**_RESNEST, 'depth': 101, 'stem_channels': 128}),
    's200': ('open-mmlab://resnest200', {**_RESNEST, 'depth': 200, 'stem_channels': 128}),
}
"""Backbone -> (pretrained weights, changes to the base file's backbone); ``mitb5-del`` replaces it."""


@dataclass(frozen=True)
class Architecture:
    """A decoder and a backbone by name.

    Attributes:
        decoder: name without prefix and suffix, e.g. 'dlv3p'.
        backbone: e.g. 'mitb5' or 'mitb5-del'.
        adapter: with the SegFormerAdapter neck ('sfa').
        decoder_norm: False with 'nodbn'.
        hrda: what an 'hrda1-...' token says, or None.
    """

    decoder: str
    backbone: str
    adapter: bool = False
    decoder_norm: bool = True
    hrda: HRDAToken | None = None

    def base_file(self) -> str:
        """File below ``configs/`` that holds the network (docs/methods/experiments.md#base-files)."""
        return f'_base_/models/{_base_name(self.decoder, self.backbone)}.py'

    def model(self) -> Values:
        """Changes to the base file's ``model`` (docs/methods/experiments.md#fields, rows ``model.*``)."""
        pretrained, backbone = BACKBONES[self.backbone.removesuffix('-del')]
        if self.backbone.endswith('-del'):
            backbone = {'_delete_': True, **backbone}
        model: Values = {'pretrained': pretrained, 'backbone': dict(backbone)}
        if self.adapter:
            model['neck'] = {'type': 'SegFormerAdapter'}
        head: Values = {}
        if not self.decoder_norm:
            head['norm_cfg'] = None
        if self.decoder == 'dlv3p' and 'mit' in self.backbone:
            head['c1_in_channels'] = 64
        if self.adapter:
            head['in_channels'] = 512
        return {**model, 'decode_head': head}


def parse_architecture(name: str, backbone: str) -> Architecture:
    """Take an architecture's name apart.

    Args:
        name: e.g. 'daformer_sepaspp', 'da_nodbn', 'sfa_dlv3p_nodbn'.
        backbone: e.g. 'mitb5', 'r101v1c', 'mitb5-del'.

    Raises:
        UsageError: a token is not known, or decoder and backbone do not go together; names what is valid.
    """
    tokens = name.split('_')
    hrda = next((token for token in tokens if token.startswith('hrda')), None)
    decoder = '_'.join(token for token in tokens if token not in ('sfa', 'nodbn', hrda))
    known = {*RESNET_DECODERS, *MIT_DECODERS, 'segformer'}
    if decoder not in known:
        raise UsageError(
            f'Architecture {name!r}: no decoder is called {decoder!r}{nearest(decoder, known)}. A name is '
            '[hrda1-CROP-WEIGHT_][sfa_]DECODER[_nodbn].'
        )
    if backbone.removesuffix('-del') not in BACKBONES:
        raise UsageError(f'Architecture {name!r}: no backbone {backbone!r}{nearest(backbone, BACKBONES)}.')
    _base_name(decoder, backbone)
    outer = parse_hrda(hrda) if hrda else None
    return Architecture(decoder, backbone, 'sfa' in tokens, 'nodbn' not in tokens, outer)


def _base_name(decoder: str, backbone: str) -> str:
    is_mit = re.fullmatch(r'mitb\d', backbone) is not None
    if decoder == 'segformer' and backbone in SEGFORMER_FILES:
        return SEGFORMER_FILES[backbone]
    if decoder in MIT_DECODERS and is_mit:
        return MIT_DECODERS[decoder]
    if decoder in RESNET_DECODERS and not is_mit:
        return RESNET_DECODERS[decoder]
    raise UsageError(
        f'Decoder {decoder!r} cannot be put on backbone {backbone!r}: segformer goes with '
        f'{", ".join(SEGFORMER_FILES)}; {", ".join(MIT_DECODERS)} with a mitb*; {", ".join(RESNET_DECODERS)} '
        'with a ResNet or with mitb*-del, which replaces the ResNet.'
    )
