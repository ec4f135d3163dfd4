"""Where the memory of a training step and of a test of HRDA goes, counted on tensors without data.

Every operation runs in torch's ``FakeTensorMode``: it has shapes, storages and a backward pass but no numbers, so that
MiT-B5 on 1024 x 1024 pixels is counted in a minute on any machine. What kernels need inside for themselves is left out.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmarks.alive import Alive
from benchmarks.resident import MIB
from benchmarks.settings import Settings, hrda_config
from benchmarks.step import random_batch
from mmseg.batch import Batch
from mmseg.models import build_segmentor
from mmseg.models.activation_checkpointing import checkpoint_blocks, checkpoint_branches
from mmseg.models.segmentors import HRDAEncoderDecoder
from mmseg.registry import MODELS
from mmseg.uda.adaptation import PartType
from mmseg.uda.feature_distance import FeatureDistance
from mmseg.uda.labelling import Teacher
from mmseg.uda.self_training import DACS

WINDOWS_AT_ONCE = (1, 8, 16, 32)
LOSS = 'fusion and losses'
FROZEN = 'frozen network'


@dataclass(frozen=True)
class Memory:
    """Bytes of one pass in MiB.

    Attributes:
        name: what was counted, with its sizes.
        kept_mib: by part, what autograd keeps for the backward pass: each storage once, weights left out.
        floor_mib: by part, what it must keep unless it computes twice: inputs of layers with weights and of GELU,
            results of ReLU, queries, keys, values and results of attention, probabilities of the losses.
        peak_mib: by part, the most that is alive during it beyond what was alive before.
    """

    name: str
    kept_mib: Mapping[str, float]
    floor_mib: Mapping[str, float]
    peak_mib: Mapping[str, float]

    def line(self) -> str:
        """A few lines for a person."""
        total, floor = sum(self.kept_mib.values()), sum(self.floor_mib.values())
        lines = [self.name + (f': kept {total:.0f} MiB, floor {floor:.0f}' if total else '')]
        for part, kept in self.kept_mib.items():
            lines.append(
                f'  {kept:9.1f} MiB {kept / total:6.1%} {part}, floor {self.floor_mib.get(part, 0):.1f}'
            )
        lines += [f'  {peak:9.1f} MiB at most alive: {part}' for part, peak in self.peak_mib.items()]
        return '\n'.join(lines)

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


class Kept:
    """Bytes that autograd keeps and those it must keep, by the part of the network that runs."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.part = 'rest'
        self.kept: dict[str, float] = defaultdict(float)
        self.floor: dict[str, float] = defaultdict(float)
        self._weights = [weight.untyped_storage() for weight in weights]
        self._found: dict[str, dict[int, torch.UntypedStorage]] = {}
        self.forget()

    def forget(self) -> None:
        """The backward pass has freed everything."""
        for kind in ('kept', 'floor'):
            self._found[kind] = {storage._cdata: storage for storage in self._weights}

    def keep(self, tensor: Tensor) -> Tensor:
        """Autograd wants this tensor."""
        self._count('kept', self.kept, tensor)
        return tensor

    def need(self, *tensors: Tensor) -> None:
        """No backward pass without these tensors, if there is one."""
        if torch.is_grad_enabled():
            for tensor in tensors:
                self._count('floor', self.floor, tensor)

    def within(self, owner: object, name: str, *parts: str) -> None:
        """Let calls of a method count for these parts in turns."""
        original, turns = getattr(owner, name), itertools.cycle(parts)

        def call(*args: Any, **options: Any) -> Any:
            before, self.part = self.part, next(turns)
            try:
                return original(*args, **options)
            finally:
                self.part = before

        setattr(owner, name, call)

    def _count(self, kind: str, parts: dict[str, float], tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._found[kind]:
            self._found[kind][storage._cdata] = storage
            parts[self.part] += storage.nbytes() / MIB


def hrda(settings: Settings) -> list[Memory]:
    """One training step of DACS with HRDA and feature distance, and tests with different ``hr_slide_batch``."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        return [*training(settings), *training(settings, twice=True), testing(settings)]


def training(settings: Settings, twice: bool = False) -> list[Memory]:
    """Passes on source and mixed images: what is kept; teacher, frozen network and backward passes: peaks.

    Args:
        settings: the sizes.
        twice: as with ``activation_checkpointing``, for which the peaks alone are counted: autograd does not see what
            a block keeps of its input.
    """
    config = hrda_config(settings.encoder, settings.size)
    method = MODELS.build({**config['uda'], 'model': config['model'], **config['runner']})
    assert isinstance(method, DACS)
    assert isinstance(method.student, HRDAEncoderDecoder)
    sizes = f'{settings.batch} crops of {settings.size}x{settings.size}'
    name = f'HRDA step, {settings.encoder}, {sizes}'
    if not twice:
        return step(method, random_batch(settings), name, _divide)
    checkpoint_blocks(method.student.backbone)
    checkpoint_branches(method.student.decode_head)
    found = step(method, random_batch(settings), f'{name}, activation_checkpointing', lambda *_: None)
    return [replace(one, kept_mib={}, floor_mib={}) for one in found]


def step(method: DACS, batch: Batch, name: str, divide: Callable[[Kept, DACS], None]) -> list[Memory]:
    """What each pass of a training step keeps, and the most that is alive in it.

    Args:
        method: with a teacher and a part with a frozen network.
        batch: source and target.
        name: what is counted.
        divide: tells the parts of the student apart.
    """
    weights = [*method.parameters(), *method.buffers()]
    for parameter in method.student.parameters():
        parameter.grad = torch.zeros_like(parameter)
    given = [value for value in batch.values() if isinstance(value, Tensor)]
    alive = Alive([*weights, *given, *(p.grad for p in weights if p.grad is not None)])
    found: list[Memory] = []
    with alive:
        kept = Kept(weights)
        divide(kept, method)
        peaks: dict[str, float] = {}
        _observe(alive, _part(method, Teacher), 'label', peaks, 'teacher, pseudo-labels')
        for frozen in method.constants():
            _observe(
                alive,
                frozen,
                'extract_views' if hasattr(frozen, 'extract_views') else 'forward',
                peaks,
                FROZEN,
            )
        groups, before = method.loss_groups(batch), alive.bytes
        while True:
            with torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda tensor: tensor), _needs(kept):
                group = next(groups, None)
            if group is None:
                return found
            alive.peak = alive.bytes
            group.total().backward()
            peaks['forward and backward pass'] = (alive.peak - before) / MIB
            found.append(Memory(f'{name}, {group.name} pass', dict(kept.kept), dict(kept.floor), dict(peaks)))
            kept.forget()
            for counted in (kept.kept, kept.floor, peaks):
                counted.clear()
            del group


def testing(settings: Settings) -> Memory:
    """A picture of (size, 2 size) in windows of (size, size), three at once as published."""
    config = hrda_config(settings.encoder, settings.size)['model']
    network = build_segmentor(config).eval()
    assert isinstance(network, HRDAEncoderDecoder)
    picture = torch.empty(1, 3, settings.size, 2 * settings.size)
    peaks: dict[str, float] = {}
    for count in WINDOWS_AT_ONCE:
        network.hr_slide_batch = count
        alive = Alive([*network.parameters(), *network.buffers(), picture])
        with alive, torch.inference_mode(), alive.most(peaks, f'hr_slide_batch={count}'):
            network.predict_logits(picture)
    shape = f'{2 * settings.size}x{settings.size}'
    return Memory(f'HRDA test, {settings.encoder}, picture of {shape}', {}, {}, peaks)


def _part(method: DACS, kind: type[PartType]) -> PartType:
    """A part that the method has."""
    found = method.part(kind)
    assert found is not None
    return found


def _divide(kept: Kept, method: DACS) -> None:
    """Tell the parts of the student apart: each is called for the context first, then for the detail."""
    network, head = method.student, method.student.decode_head
    kept.within(network, 'extract_feat', 'LR encoder', 'HR encoder')
    for name in ('embed', 'classify'):
        kept.within(head, name, 'LR decoder', 'HR decoder')
    kept.within(head, 'attend', 'scale attention')
    for name in ('fuse', 'losses'):
        kept.within(head, name, LOSS)
    kept.within(_part(method, FeatureDistance), 'distance', 'feature distance')
    note_inputs(kept, network)


def note_inputs(kept: Kept, network: nn.Module) -> None:
    """Count what layers cannot do without in the backward pass."""
    for layer in network.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(lambda _, given, result: kept.need(result))
        elif isinstance(layer, nn.GELU) or next(layer.parameters(recurse=False), None) is not None:
            layer.register_forward_hook(lambda _, given, result: kept.need(given[0]))


def _observe(alive: Alive, owner: object, name: str, peaks: dict[str, float], part: str) -> None:
    """Note the peak of calls of a method."""
    original = getattr(owner, name)

    def call(*args: Any, **options: Any) -> Any:
        with alive.most(peaks, part):
            return original(*args, **options)

    setattr(owner, name, call)


@contextmanager
def _needs(kept: Kept) -> Iterator[None]:
    """Count what attention and losses need."""
    attention: Callable[..., Tensor] = F.scaled_dot_product_attention
    entropy: Callable[..., Tensor] = F.cross_entropy

    def attend(query: Tensor, key: Tensor, value: Tensor, *args: Any, **options: Any) -> Tensor:
        result = attention(query, key, value, *args, **options)
        kept.need(query, key, value, result)
        return result

    def compare(logits: Tensor, *args: Any, **options: Any) -> Tensor:
        kept.need(logits)  # as large as the probabilities
        return entropy(logits, *args, **options)

    with (
        patch.object(F, 'scaled_dot_product_attention', attend),
        patch.object(F, 'cross_entropy', compare),
    ):
        yield
