"""A class-balanced bank from source images, outside of training."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmseg.errors import DataError
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.uda.instance_bank.bank import InstanceBank, quotas
from mmseg.uda.instance_bank.files import Features, Labels
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.instances import collect_instances

CHECK_INTERVAL = 10
"""Images between two looks at whether the bank is full; each look waits for the device."""


def fill_bank(
    network: EncoderDecoder,
    samples: Iterable[Mapping[str, Any]],
    rows: int,
    classes: Sequence[int] | None = None,
    boundary: int = 0,
) -> InstanceBank:
    """One averaged feature a class and image, until every class has its quota; the bank is on the CPU.

    Args:
        network: in evaluation mode, on its device.
        samples: training samples with ``img`` (3, H, W) and ``gt_semantic_seg`` (1, H, W).
        rows: size of the bank.
        classes: ids that get rows, None for all.
        boundary: see :func:`mmseg.uda.instance_bank.instances.collect_instances`.

    Raises:
        DataError: the samples ended before the bank was full; names the classes that lack rows.
    """
    count = network.num_classes
    chosen = list(range(count)) if classes is None else list(classes)
    device = next(network.parameters()).device
    labels = [c for c, share in enumerate(quotas(rows, chosen, count)) for _ in range(share)]
    bank = InstanceBank(labels, network.decode_head.embedding_channels, count).to(device)
    seen = 0
    for sample in samples:
        seen += 1
        _put(
            bank,
            network,
            sample['img'][None].to(device),
            sample['gt_semantic_seg'][None].to(device).long(),
            boundary,
        )
        if seen % CHECK_INTERVAL == 0:
            bank.check_full()
        if bank.known_full:
            break
    bank.check_full()
    if not bank.known_full:
        missing = [
            c for c, share in zip(bank.classes, bank.fill_of_classes().tolist(), strict=True) if share < 1
        ]
        raise DataError(
            f'After {seen} images {len(missing)} classes lack rows: {", ".join(map(str, missing))}. Look at more '
            'images (--images), leave out the classes that the source does not show (--classes), or make the bank '
            'smaller (--rows).'
        )
    return bank.cpu()


@torch.no_grad()
def _put(bank: InstanceBank, network: EncoderDecoder, image: Tensor, label: Tensor, boundary: int) -> None:
    embedding = network.predict_with_embedding(image).embedding.float()
    grid = Grid(
        (embedding.shape[2], embedding.shape[3]), (label.shape[2], label.shape[3]), network.align_corners
    )
    bank.put(collect_instances(embedding, label, bank.num_classes, grid, 'image', boundary), only_empty=True)


def random_bank(rows: int, channels: int, num_classes: int, seed: int) -> tuple[Features, Labels]:
    """Placeholder: absolute normal noise of unit length, with equal numbers of rows for all classes."""
    noise = np.abs(np.random.default_rng(seed).standard_normal((rows, channels), dtype=np.float32))
    shares = quotas(rows, range(num_classes), num_classes)
    return noise / np.linalg.norm(noise, axis=1, keepdims=True), np.repeat(np.arange(num_classes), shares)
