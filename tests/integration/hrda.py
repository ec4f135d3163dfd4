"""A multi-resolution configuration small enough to train in seconds."""

from pathlib import Path
from typing import Any

from tests.integration.tiny import tiny_config

HRDA = {
    'scales': [1, 0.5],
    'hr_crop_size': [32, 32],
    'feature_scale': 0.5,
    'crop_coord_divisible': 8,
}


def tiny_hrda(data: Path, method: str = 'daformer', **changes: Any) -> dict[str, Any]:
    """:func:`tests.integration.tiny.tiny_config` with two scales of the 64 x 64 crop; ``changes`` go to the model."""
    config = tiny_config(data, method)
    head = config['model']['decode_head']
    head |= {
        'type': 'HRDAHead',
        'single_scale_head': head['type'],
        'hr_loss_weight': 0.1,
        'attention_embed_dim': 16,
    }
    config['model'] |= {'type': 'HRDAEncoderDecoder', **HRDA, **changes}
    config['name'] = f'tiny_hrda_{method}'
    return config
