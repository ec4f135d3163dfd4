"""A small adaptation method for tests: the real segmentor on an encoder of two convolutions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmseg.batch import Batch
from mmseg.registry import MODELS
from mmseg.uda.self_training import DACS
from mmseg.uda.trainable import LossGroup, Trainable

CLASSES = 4
NORMALISATION = {'mean': np.array([123.675, 116.28, 103.53]), 'std': np.array([58.395, 57.12, 57.375])}


@MODELS.register_module(force=True)
class TwoConvolutions(nn.Module):
    """Maps of strides 4 and 8, with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.strides = (6, 8), (4, 8)
        self.first = nn.Sequential(nn.Conv2d(3, 6, 4, stride=4), nn.BatchNorm2d(6), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())

    def init_weights(self) -> None:
        """Leave torch's initialisation."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> two maps."""
        first = self.first(x)
        return [first, self.second(first)]


MODEL = {
    'type': 'EncoderDecoder',
    'backbone': {'type': 'TwoConvolutions'},
    'decode_head': {
        'type': 'SegFormerHead',
        'in_channels': [6, 8],
        'in_index': [0, 1],
        'channels': 8,
        'dropout_ratio': 0.1,
        'num_classes': CLASSES,
        'norm_cfg': {'type': 'BN', 'requires_grad': True},
        'align_corners': False,
        'decoder_params': {'embed_dim': 8},
        'loss_decode': {'type': 'CrossEntropyLoss', 'use_sigmoid': False, 'loss_weight': 1.0},
    },
}

LINEAR = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}
FUSION = {
    'type': 'conv',
    'kernel_size': 1,
    'act_cfg': {'type': 'ReLU'},
    'norm_cfg': {'type': 'BN', 'requires_grad': True},
}

TWO_SCALES = {
    **MODEL,
    'type': 'HRDAEncoderDecoder',
    'decode_head': {
        **MODEL['decode_head'],
        'type': 'HRDAHead',
        'single_scale_head': 'DAFormerHead',
        'decoder_params': {
            'embed_dims': 8,
            'embed_cfg': LINEAR,
            'embed_neck_cfg': LINEAR,
            'fusion_cfg': FUSION,
        },
        'attention_embed_dim': 8,
        'hr_loss_weight': 0.1,
    },
    'scales': [1, 0.5],
    'hr_crop_size': [32, 32],
    'feature_scale': 0.5,
    'crop_coord_divisible': 8,
}
"""A multi-resolution network, for crops of at least 32 x 32."""

WITH_AUXILIARY = {**MODEL, 'auxiliary_head': MODEL['decode_head']}

DISTANCE = {
    'imnet_feature_dist_lambda': 0.1,
    'imnet_feature_dist_classes': [1, 2],
    'imnet_feature_dist_scale_min_ratio': 0.5,
}


def small_method(model: dict[str, Any] = MODEL, **options: Any) -> DACS:
    """A method of small networks with reproducible weights."""
    torch.manual_seed(0)
    return DACS(model, max_iters=10, **{'pseudo_threshold': 0.3, **options})


def small_batch(batch: int = 2, size: tuple[int, int] = (32, 40), seed: int = 0) -> Batch:
    """Random images and blocky labels with some ignored cells."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    cells = torch.randint(0, CLASSES + 1, (batch, 1, -(-height // 8), -(-width // 8)), generator=generator)
    label = cells.repeat_interleave(8, 2).repeat_interleave(8, 3)[:, :, :height, :width]
    metas = [{'img_norm_cfg': NORMALISATION} for _ in range(batch)]
    return {
        'img': torch.randn(batch, 3, height, width, generator=generator),
        'img_metas': metas,
        'gt_semantic_seg': label.masked_fill(label == CLASSES, 255).contiguous(),
        'target_img': torch.randn(batch, 3, height, width, generator=generator),
        'target_img_metas': metas,
    }


def train(method: Trainable, batches: Sequence[Batch], lr: float = 0.01) -> list[dict[str, Tensor]]:
    """Logs of consecutive steps."""
    wrapper = OptimWrapper(torch.optim.SGD(method.parameters(), lr=lr))
    method.train()
    return [method.train_step(batch, wrapper) for batch in batches]


def observed(method: Trainable) -> dict[str, LossGroup]:
    """Loss groups of later steps, by name."""
    groups: dict[str, LossGroup] = {}
    method.watch(lambda iteration, group: groups.__setitem__(group.name, group))
    return groups
