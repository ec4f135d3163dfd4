"""Loaders: same batches whatever the workers, any start, every process its share."""

from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.datasets import build_dataset, build_test_loader, build_train_loader, collate
from mmseg.datasets.loading import raise_open_files
from mmseg.errors import DataError
from tests.datasets.conftest import HEIGHT, WIDTH, source_cfg, uda_cfg, val_cfg

RARE = {'min_pixels': 100, 'class_temp': 0.5, 'min_crop_ratio': 0.5}


class Numbers:
    """Sample i is the number i."""

    def draw(self, i: int, seed: int) -> dict[str, Any]:
        return {'img': torch.full((1, 1, 1), i), 'img_metas': {'seed': seed}}


def numbers(**options: Any) -> list[list[int]]:
    """Sample numbers of the batches."""
    defaults = {'samples_per_gpu': 2, 'workers': 0, 'seed': 0, 'end_iteration': 4}
    loader = build_train_loader(Numbers(), **{**defaults, **options})
    return [batch['img'].flatten().tolist() for batch in loader]


def test_batches_follow_one_another() -> None:
    assert numbers() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_late_start_gives_the_same_batches() -> None:
    assert numbers(start_iteration=3) == numbers()[3:]
    assert numbers(start_iteration=10**9, end_iteration=10**9 + 1) == [[2 * 10**9, 2 * 10**9 + 1]]


def test_processes_share_a_batch() -> None:
    first, second = numbers(rank=0, world_size=2), numbers(rank=1, world_size=2)
    assert first == [[0, 1], [4, 5], [8, 9], [12, 13]]
    assert [a + b for a, b in zip(first, second, strict=True)] == numbers(samples_per_gpu=4)


def test_endless_without_an_end() -> None:
    loader = iter(build_train_loader(Numbers(), 1, 0, seed=0))
    assert [int(next(loader)['img']) for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize('rare', [None, RARE])
def test_same_batches_with_and_without_workers(folders: Path, rare: dict[str, Any] | None) -> None:
    dataset = build_dataset(uda_cfg(folders, rare_class_sampling=rare))
    batches = [
        list(build_train_loader(dataset, 2, workers, seed=5, start_iteration=1, end_iteration=4))
        for workers in (0, 2)
    ]
    for here, there in zip(*batches, strict=True):
        assert here.keys() == there.keys()
        for key in ('img', 'gt_semantic_seg', 'target_img'):
            assert torch.equal(here[key], there[key])
        names = [[meta['filename'] for meta in batch['img_metas']] for batch in (here, there)]
        assert names[0] == names[1]


def test_error_of_a_worker_keeps_its_type_and_message(folders: Path) -> None:
    for path in (folders / 'source/images').iterdir():
        path.write_bytes(b'')
    loader = build_train_loader(build_dataset(source_cfg(folders)), 2, 1, seed=0, end_iteration=1)
    with pytest.raises(DataError, match='the file is empty'):
        next(iter(loader))


def test_collate_stacks_and_pads() -> None:
    batch = collate(
        [{'img': torch.ones(3, 2, 5), 'img_metas': {'a': 1}}, {'img': torch.ones(3, 4, 1), 'img_metas': {}}]
    )
    assert batch['img'].shape == (2, 3, 4, 5)
    assert batch['img'].sum() == 3 * (2 * 5 + 4)
    assert batch['img_metas'] == [{'a': 1}, {}]


@pytest.mark.parametrize('workers', [0, 1])
def test_test_pictures_come_one_by_one(folders: Path, workers: int) -> None:
    loader = build_test_loader(build_dataset(val_cfg(folders)), workers, with_labels=True)
    items = list(loader)
    assert [item['index'] for item in items] == [0, 1, 2]
    assert len(loader) == 3
    assert items[0]['img'][0].shape == (1, 3, HEIGHT, WIDTH)
    assert items[0]['img_metas'][0][0]['ori_filename'].startswith('aachen/aachen_000000')
    assert items[0]['label'].shape == (HEIGHT, WIDTH)
    assert items[0]['label'].dtype == torch.uint8


def test_every_test_picture_belongs_to_one_process(folders: Path) -> None:
    dataset = build_dataset(val_cfg(folders))
    shares = [[item['index'] for item in build_test_loader(dataset, 0, rank, 2)] for rank in (0, 1)]
    assert shares == [[0, 2], [1]]


@pytest.mark.parametrize(
    ('soft', 'hard', 'after'),
    [(1024, 10**6, 4096), (1024, 2000, 2000), (8000, 10**6, 8000), (1024, -1, 4096), (-1, -1, -1)],
)
def test_limit_of_open_files_only_grows(
    soft: int, hard: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {'now': (soft, hard)}
    monkeypatch.setattr('resource.getrlimit', lambda kind: limits['now'])
    monkeypatch.setattr('resource.setrlimit', lambda kind, new: limits.update(now=new))
    raise_open_files()
    assert limits['now'] == (after, hard)


def test_labels_are_padded_with_the_ignored_id() -> None:
    """With 0 the network would learn that padding is the first class."""
    samples = [
        {'img': torch.ones(3, 2, width), 'gt_semantic_seg': torch.ones(1, 2, width, dtype=torch.int64)}
        for width in (2, 3)
    ]
    batch = collate(samples)
    assert batch['gt_semantic_seg'][0, 0].tolist() == [[1, 1, 255]] * 2
    assert batch['img'][0, 0].tolist() == [[1, 1, 0]] * 2
