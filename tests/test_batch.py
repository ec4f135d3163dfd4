"""Batches on their way to the device."""

import torch

from mmseg.batch import Batch, on_device


def batch() -> Batch:
    label = torch.tensor([[[[0, 255], [7, 1]]]], dtype=torch.uint8)
    valid = torch.ones(1, 1, 2, 2, dtype=torch.uint8)
    return {
        'img': torch.rand(1, 3, 2, 2),
        'gt_semantic_seg': label,
        'img_metas': [{}],
        'valid_pseudo_mask': valid,
    }


def test_labels_become_whole_numbers_and_nothing_else_changes() -> None:
    given = batch()
    moved = on_device(given, torch.device('cpu'))
    assert moved['gt_semantic_seg'].dtype == torch.int64
    assert moved['gt_semantic_seg'].flatten().tolist() == [0, 255, 7, 1]
    assert moved['valid_pseudo_mask'].dtype == torch.uint8
    assert torch.equal(moved['img'], given['img'])
    assert moved['img_metas'] is given['img_metas']
    assert given['gt_semantic_seg'].dtype == torch.uint8


def test_channels_last() -> None:
    moved = on_device(batch(), torch.device('cpu'), channels_last=True)
    assert moved['img'].is_contiguous(memory_format=torch.channels_last)
