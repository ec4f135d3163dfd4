"""Small networks and inputs for unit tests."""

from typing import Any

import torch
from torch import Tensor

NORM = {'type': 'BN', 'requires_grad': True}
CLASSES = 5


def daformer_head(**changes: Any) -> dict[str, Any]:
    """A DAFormer head on mit_b0 with 8 channels."""
    return {
        'type': 'DAFormerHead',
        'in_channels': [32, 64, 160, 256],
        'in_index': [0, 1, 2, 3],
        'channels': 8,
        'dropout_ratio': 0.1,
        'num_classes': CLASSES,
        'norm_cfg': NORM,
        'decoder_params': {
            'embed_dims': 8,
            'embed_cfg': {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None},
            'embed_neck_cfg': 'same_as_embed_cfg',
            'fusion_cfg': {
                'type': 'aspp',
                'sep': True,
                'dilations': [1, 6],
                'pool': False,
                'act_cfg': {'type': 'ReLU'},
                'norm_cfg': NORM,
            },
        },
        **changes,
    }


def segmentor(**changes: Any) -> dict[str, Any]:
    """An encoder-decoder with mit_b0 and :func:`daformer_head`."""
    return {
        'type': 'EncoderDecoder',
        'backbone': {'type': 'mit_b0', 'style': 'pytorch'},
        'decode_head': daformer_head(),
        **changes,
    }


def segformer_head(**changes: Any) -> dict[str, Any]:
    """A SegFormer head on mit_b0."""
    return {
        'type': 'SegFormerHead',
        'in_channels': [32, 64, 160, 256],
        'channels': 8,
        'num_classes': CLASSES,
        'norm_cfg': NORM,
        'decoder_params': {'embed_dim': 16},
        **changes,
    }


def dlv2_head(**changes: Any) -> dict[str, Any]:
    """A DeepLab-V2 head on the last level of mit_b0."""
    return {'type': 'DLV2Head', 'in_channels': 256, 'in_index': 3, 'num_classes': CLASSES, **changes}


def head_on_last(kind: str, **changes: Any) -> dict[str, Any]:
    """A head of this type with 8 channels on the last level of mit_b0, without norm."""
    return {
        'type': kind,
        'in_channels': 256,
        'in_index': 3,
        'channels': 8,
        'num_classes': CLASSES,
        'norm_cfg': None,
        **changes,
    }


def mit_features() -> list[Tensor]:
    """What mit_b0 makes of two images of 32 x 32 pixels, drawn."""
    generator = torch.Generator().manual_seed(0)
    levels = ((32, 8), (64, 4), (160, 2), (256, 1))
    return [torch.randn(2, channels, size, size, generator=generator) for channels, size in levels]
