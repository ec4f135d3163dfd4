"""Shapes and memory of a training step with a foundation model as encoder (configs/vfm), counted without data."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmarks import memory
from benchmarks.resident import MIB
from benchmarks.settings import Settings
from benchmarks.step import random_batch
from mmseg.config import load_config
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.uda.frozen_encoder import FrozenEncoderDistance
from mmseg.uda.self_training import DACS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/vfm'
DEFAULT = 'dinov2_l'


def vfm(settings: Settings) -> list[memory.Memory]:
    """A step of ``gtaHR2csHR_NAME`` on crops of its own size, or of ``size`` where ``img_size`` fits that.

    Args:
        settings: ``encoder`` is the NAME, e.g. dinov2_l; that of another benchmark's encoder: :data:`DEFAULT`.
    """
    name = settings.encoder if settings.encoder.startswith('dinov2') else DEFAULT
    cfg = load_config(CONFIGS / f'gtaHR2csHR_{name}.py')
    for backbone in (cfg.model.backbone, cfg.uda.parts[0].backbone):
        backbone.img_size = settings.size
    with torch.device(
        'meta'
    ):  # timm builds with numbers of real tensors, which tensors without data do not have
        method = build_trainable(train_settings(cfg), 'meta', initialise=False)
    assert isinstance(method, DACS)
    with FakeTensorMode(allow_non_fake_inputs=True):
        method.to_empty(device='cpu')
        batch = random_batch(settings)
        sizes = f'{settings.batch} crops of {settings.size}x{settings.size}, {cfg.precision}'
        title = f'{cfg.model.backbone.model_name}, {sizes}'
        return [weights(method, title), *memory.step(method, batch, title, divide)]


def weights(method: DACS, title: str) -> memory.Memory:
    """What lies in memory between two steps: weights by network, gradients, moments of AdamW."""
    networks = {'student': method.student, 'teacher': method.teacher}
    networks |= {f'frozen encoder {i}': network for i, network in enumerate(method.constants())}
    sizes = {
        name: _mib(network.state_dict().values()) for name, network in networks.items() if network is not None
    }
    trained = _mib(p for p in method.parameters() if p.requires_grad)
    parts = {f'weights of the {name}': size for name, size in sizes.items()}
    return memory.Memory(f'{title}, between steps ({method.student.levels})', {}, {}, {
        **parts, 'gradients': trained, 'two moments': 2 * trained,
    })  # fmt: skip


def divide(kept: memory.Kept, method: DACS) -> None:
    """Encoder, what completes its maps, decoder, losses."""
    backbone, head = method.student.backbone, method.student.decode_head
    kept.within(method.student, 'extract_feat', 'pyramid or adapter')
    kept.within(backbone.encoder, 'forward', 'encoder')
    for name in ('embed', 'classify'):
        kept.within(head, name, 'decoder')
    kept.within(head, 'losses', 'losses')
    kept.within(method.part(FrozenEncoderDistance), '_loss', 'feature distance')
    memory.note_inputs(kept, method.student)


def _mib(tensors: Iterable[Any]) -> float:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if torch.is_tensor(tensor)) / MIB
