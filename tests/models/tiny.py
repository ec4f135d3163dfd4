"""Small networks for unit tests."""

from typing import Any

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
