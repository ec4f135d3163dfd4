"""Loaders: batches as a pure function of (seed, position), test pictures one by one (spec/data.md 6)."""

import contextlib
import signal
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import cv2
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from mmseg.datasets.custom import CustomDataset

Batch = dict[str, Any]
OPEN_FILES = 4096


class TrainDataset(Protocol):
    """What a training loader needs of a data set."""

    def draw(self, i: int, seed: int) -> dict[str, Any]:
        """Sample number i of a run with ``seed``."""


class _Draws(Dataset[dict[str, Any]]):
    def __init__(self, dataset: TrainDataset, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __getitem__(self, i: int) -> dict[str, Any]:
        return self.dataset.draw(i, self.seed)


class _Batches(Sampler[list[int]]):
    """Sample numbers of the batches of one process, from any iteration on."""

    def __init__(self, size: int, start: int, end: int | None, rank: int, world_size: int) -> None:
        self.size, self.start, self.end, self.rank, self.world_size = size, start, end, rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        iteration = self.start
        while self.end is None or iteration < self.end:
            first = (iteration * self.world_size + self.rank) * self.size
            yield list(range(first, first + self.size))
            iteration += 1


def build_train_loader(
    dataset: TrainDataset,
    samples_per_gpu: int,
    workers: int,
    seed: int,
    start_iteration: int = 0,
    rank: int = 0,
    world_size: int = 1,
    end_iteration: int | None = None,
) -> DataLoader[Any]:
    """Loader of training batches.

    Batch t of process ``rank`` holds the samples t * B * world_size + rank * B and the B - 1 following ones,
    whatever the number of workers; starting late costs nothing.

    Args:
        dataset: gives sample i of a run.
        samples_per_gpu: B.
        workers: loader processes; 0 loads in this one.
        seed: seed of the run.
        start_iteration: first batch.
        rank: number of this process.
        world_size: number of processes.
        end_iteration: batch to stop before; None never stops.

    Returns:
        an iterable of :func:`collate`'s batches.
    """
    batches = _Batches(samples_per_gpu, start_iteration, end_iteration, rank, world_size)
    return DataLoader(
        _Draws(dataset, seed), batch_sampler=batches, collate_fn=collate, **_worker_options(workers)
    )


def collate(samples: Sequence[dict[str, Any]]) -> Batch:
    """Stack the tensors of samples; everything else becomes a list.

    Tensors (C, h, w) of different sizes are padded with 0 at the bottom and right to the largest.
    """
    return {key: _join([sample[key] for sample in samples]) for key in samples[0]}


def _join(values: list[Any]) -> Any:
    if not isinstance(values[0], Tensor):
        return values
    height = max(value.shape[-2] for value in values)
    width = max(value.shape[-1] for value in values)
    padded = [
        value
        if value.shape[-2:] == (height, width)
        else functional.pad(value, (0, width - value.shape[-1], 0, height - value.shape[-2]))
        for value in values
    ]
    return torch.stack(padded)


class _TestPictures(Dataset[Batch]):
    def __init__(self, dataset: CustomDataset, indices: Sequence[int], with_labels: bool) -> None:
        self.dataset = dataset
        self.indices = indices
        self.with_labels = with_labels

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> Batch:
        index = self.indices[position]
        item = self.dataset[index]
        images, metas = item['img'], item['img_metas']
        if isinstance(images, Tensor):
            images, metas = [images], [metas]
        batch: Batch = {
            'img': [image[None] for image in images],
            'img_metas': [[meta] for meta in metas],
            'index': index,
        }
        if self.with_labels:
            batch['label'] = self.dataset.get_gt_seg_map(index)
        return batch


def build_test_loader(
    dataset: CustomDataset, workers: int, rank: int = 0, world_size: int = 1, with_labels: bool = False
) -> DataLoader[Any]:
    """Loader of single test pictures; process ``rank`` gets every ``world_size``-th one, none twice.

    Args:
        dataset: in test mode.
        workers: loader processes; 0 loads in this one.
        rank: number of this process.
        world_size: number of processes.
        with_labels: also give the label map, so that it is decoded by the workers.

    Returns:
        an iterable of dicts: ``img`` list (one entry a version of test-time augmentation) of float32 (1, 3,
        H, W), ``img_metas`` list of lists with one dict, ``index`` of the picture, ``label`` uint8 array (H,
        W) if asked for.
    """
    pictures = _TestPictures(dataset, range(rank, len(dataset), world_size), with_labels)
    return DataLoader(pictures, batch_size=None, collate_fn=_as_it_is, **_worker_options(workers))


def _as_it_is(item: Any) -> Any:
    return item


def _worker_options(workers: int) -> dict[str, Any]:
    raise_open_files()
    options: dict[str, Any] = {'num_workers': workers, 'pin_memory': torch.cuda.is_available()}
    if workers:
        options |= {'persistent_workers': True, 'worker_init_fn': start_worker}
    return options


def start_worker(number: int) -> None:
    """Set up loader process ``number``: one OpenCV thread, and Ctrl-C is left to the main process."""
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def raise_open_files() -> None:
    """Raise the soft limit of open files to 4096 if it is lower and the hard limit allows; Windows has none."""
    with contextlib.suppress(ImportError):
        _raise_limit()


def _raise_limit() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
