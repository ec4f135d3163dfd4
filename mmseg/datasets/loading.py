"""Loaders: batches as a pure function of (seed, position), test pictures one by one (docs/methods/pairs.md#loader)."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from mmseg.batch import LABELS, Batch
from mmseg.datasets.feeding import TIMEOUT, Loader, shared, worker_options
from mmseg.datasets.label_table import IGNORED
from mmseg.datasets.protocols import ScoredDataset, TrainDataset
from mmseg.errors import DataError

OPEN_FILES = 4096

REPLACEMENTS, STRIDE = 10, 2**48
"""How often a damaged sample is replaced, and the distance of the number of its replacement."""


class _DrawnSamples(Dataset[dict[str, Any]]):
    def __init__(self, dataset: TrainDataset, seed: int, replace: bool) -> None:
        self.dataset = dataset
        self.seed = seed
        self.replace = replace

    def __getitem__(self, i: int) -> dict[str, Any]:
        return self._sound(i) if self.replace else self.dataset.draw(i, self.seed)

    def _sound(self, i: int) -> dict[str, Any]:
        """Sample i, or the first of its replacements that is not damaged: a function of (seed, i) and the files."""
        damaged: list[str] = []
        for number in range(i, i + REPLACEMENTS * STRIDE + 1, STRIDE):
            try:
                return {**self.dataset.draw(number, self.seed), 'damaged': damaged}
            except DataError as error:
                damaged.append(str(error))
        raise DataError(
            f'{damaged[-1]} With data.on_error="skip" a damaged sample is replaced by another, but so were '
            f'{REPLACEMENTS} replacements in a row: nearly all of the data is damaged or was not found.'
        )


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
    replace_damaged: bool = False,
    timeout: float = TIMEOUT,
    give_up: Callable[[], bool] = lambda: False,
) -> Loader:
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
        replace_damaged: put another sample where reading one raises DataError, and say so in ``damaged``.
        timeout, give_up: see :class:`mmseg.datasets.feeding.Feed`.

    Returns:
        an iterable of :func:`collate`'s batches.
    """
    batches = _Batches(samples_per_gpu, start_iteration, end_iteration, rank, world_size)
    draws = _DrawnSamples(dataset, seed, replace_damaged)
    loader = DataLoader(draws, batch_sampler=batches, collate_fn=collate, **_loader_options(workers))
    return Loader(loader, timeout, give_up)


def collate(samples: Sequence[dict[str, Any]]) -> Batch:
    """Stack the tensors of samples; everything else becomes a list.

    Tensors (C, h, w) of different sizes are padded at the bottom and right to the largest: labels with the ignored id,
    all others with 0, which is the mean colour of normalised pictures.
    """
    joined = {
        key: shared(_join([sample[key] for sample in samples], IGNORED if key == LABELS else 0))
        for key in samples[0]
    }
    return cast(Batch, joined)


def _join(values: list[Any], padding: int) -> Any:
    if not isinstance(values[0], Tensor):
        return values
    height = max(value.shape[-2] for value in values)
    width = max(value.shape[-1] for value in values)
    padded = [
        value
        if value.shape[-2:] == (height, width)
        else functional.pad(value, (0, width - value.shape[-1], 0, height - value.shape[-2]), value=padding)
        for value in values
    ]
    return torch.stack(padded)


class _TestPictures(Dataset[dict[str, Any]]):
    def __init__(self, dataset: ScoredDataset, indices: Sequence[int], with_labels: bool) -> None:
        self.dataset = dataset
        self.indices = indices
        self.with_labels = with_labels

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> dict[str, Any]:
        index = self.indices[position]
        item = self.dataset[index]
        images, metas = item['img'], item['img_metas']
        if isinstance(images, Tensor):
            images, metas = [images], [metas]
        picture: dict[str, Any] = {
            'img': [image[None] for image in images],
            'img_metas': [[meta] for meta in metas],
            'index': index,
        }
        if self.with_labels:
            picture['label'] = torch.from_numpy(self.dataset.get_gt_seg_map(index))
        return picture


def build_test_loader(
    dataset: ScoredDataset, workers: int, rank: int = 0, world_size: int = 1, with_labels: bool = False
) -> Loader:
    """Loader of single test pictures; process ``rank`` gets every ``world_size``-th one, none twice.

    Args:
        dataset: in test mode.
        workers: loader processes; 0 loads in this one.
        rank: number of this process.
        world_size: number of processes.
        with_labels: also give the label map, so that it is decoded by the workers.

    Returns:
        an iterable of dicts: ``img`` list (one entry a version of test-time augmentation) of float32 (1, 3,
        H, W), ``img_metas`` list of lists with one dict, ``index`` of the picture, ``label`` uint8 tensor (H,
        W) if asked for.
    """
    pictures = _TestPictures(dataset, range(rank, len(dataset), world_size), with_labels)
    return Loader(DataLoader(pictures, batch_size=None, collate_fn=shared, **_loader_options(workers)))


def _loader_options(workers: int) -> dict[str, Any]:
    raise_open_files()
    return {'pin_memory': torch.cuda.is_available(), **worker_options(workers)}


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
