"""A test at Cityscapes' size: decoding, network, counting and writing side by side, and one after the other."""

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import CITYSCAPES_SIZE, TINY, draw_pictures
from benchmarks.settings import NORMALISATION, Settings, training_config
from mmseg.config import load_config
from mmseg.datasets.domains import CityscapesDataset
from mmseg.datasets.loading import build_test_loader
from mmseg.datasets.presets import expand_pipeline
from mmseg.engine.evaluate import PredictedPicture, predict
from mmseg.models import build_segmentor
from mmseg.processes import keep_tensor_memory
from mmseg.toolbox.testing.outputs import LabelPictures
from mmseg.toolbox.testing.picture_counts import PictureCounts
from mmseg.toolbox.testing.writers import Writers

PICTURES = 40
"""A CPU needs seconds for each."""
WORKERS = 2
"""Loader processes."""


@dataclass(frozen=True)
class Test:
    """A test of many pictures, both ways with the same outcome.

    Attributes:
        name: network and pictures.
        ours_ms, in_turn_ms: wall time of a picture with loader processes and writing threads, and without; medians.
        ratio, spread: in_turn / ours, median and range over the rounds.
        parts_ms: wall time of a picture, each part alone in one thread.
    """

    name: str
    ours_ms: float
    in_turn_ms: float
    ratio: float
    spread: tuple[float, float]
    parts_ms: dict[str, float]

    def line(self) -> str:
        """A few lines for a person."""
        low, high = self.spread
        parts = ''.join(f'\n  {value:9.2f} ms {name}' for name, value in self.parts_ms.items())
        return (
            f'{self.name}: {self.ours_ms:.1f} ms a picture side by side, {self.in_turn_ms:.1f} ms in turn, ratio '
            f'{self.ratio:.2f} ({low:.2f} to {high:.2f}); alone:{parts}'
        )

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def testing(settings: Settings) -> Iterator[Test]:
    """Score and write 40 pictures, shared out over the rounds; crops below 256 take a few small ones.

    The network is that of ``settings`` on a GPU, on a CPU the demo's small one: what lies around it is measured.

    Raises:
        RuntimeError: the two ways count differently.
    """
    if settings.device.type == 'cpu':
        keep_tensor_memory()  # as tools/test.py does
    tiny = settings.size < 256
    count = 2 if tiny else -(-PICTURES // settings.rounds)
    with tempfile.TemporaryDirectory() as folder:
        dataset = _pictures(Path(folder), count, TINY if tiny else 1)
        network = _network(settings)
        times: list[tuple[float, dict[str, float]]] = []
        for number in range(settings.rounds):
            ways = (_in_turn, _side_by_side) if number % 2 else (_side_by_side, _in_turn)
            found = {way: way(network, dataset, Path(folder, 'out')) for way in ways}
            (ours, counted), (parts, expected) = found[_side_by_side], found[_in_turn]
            if not np.array_equal(counted, expected):
                raise RuntimeError('the two ways have counted different pixels')
            times.append((ours, parts))
        yield _result(settings, count, dataset, times)


def _result(
    settings: Settings, count: int, dataset: Any, times: list[tuple[float, dict[str, float]]]
) -> Test:
    sums = [sum(parts.values()) for _, parts in times]
    ratios = [total / ours for total, (ours, _) in zip(sums, times, strict=True)]
    height, width = dataset.get_gt_seg_map(0).shape
    what = settings.encoder if settings.device.type == 'cuda' else "the demo's network"
    return Test(
        f'test, {what}, {settings.rounds} x {count} pictures of {width}x{height}, scored and written',
        1e3 * median(ours for ours, _ in times),
        1e3 * median(sums),
        median(ratios),
        (min(ratios), max(ratios)),
        {name: 1e3 * median(parts[name] for _, parts in times) for name in times[0][1]},
    )


def _pictures(folder: Path, count: int, divided: int) -> CityscapesDataset:
    """A few drawn pictures under many names."""
    pictures, labels = '_leftImg8bit.png', '_gtFine_labelTrainIds.png'
    draw_pictures(folder, CITYSCAPES_SIZE, divided, pictures, labels)
    for kind, ending in (('images', pictures), ('labels', labels)):
        drawn = sorted((folder / kind).iterdir())
        for number in range(len(drawn), count):
            (folder / kind / f'{number:05d}{ending}').hardlink_to(drawn[number % len(drawn)])
    height, width = (side // divided for side in CITYSCAPES_SIZE)
    steps = expand_pipeline(
        {'type': 'TestPipeline', 'img_scale': (width, height), 'img_norm_cfg': NORMALISATION}
    )
    places = {'img_dir': 'images', 'ann_dir': 'labels', 'data_root': str(folder)}
    return CityscapesDataset(steps, **places, test_mode=True)


def _network(settings: Settings) -> Any:
    if settings.device.type == 'cuda':
        model = training_config(settings.encoder)['model']
    else:
        model = load_config('configs/demo/builtin_daformer.py').to_dict()['model']
    return build_segmentor({**model, 'pretrained': None}).to(settings.device).eval()


def _side_by_side(network: Any, dataset: Any, out: Path) -> tuple[float, NDArray[np.int64]]:
    """Seconds of wall time a picture with loader processes and writing threads, and the confusion matrix."""
    counts, written = _outputs(dataset, out)
    began = perf_counter()
    with Writers([written, counts]) as writers:
        for prediction in predict(network, dataset, WORKERS, with_labels=True):
            writers.add(prediction)
    return (perf_counter() - began) / len(dataset), counts.matrix


def _in_turn(network: Any, dataset: Any, out: Path) -> tuple[dict[str, float], NDArray[np.int64]]:
    """Seconds of wall time a picture by what is done with it, in one process, and the confusion matrix."""
    counts, written = _outputs(dataset, out)
    device = next(network.parameters()).device
    pictures = iter(build_test_loader(dataset, 0, with_labels=True))
    marks = []
    for number in range(len(dataset)):
        times = [perf_counter()]
        picture = next(pictures)
        times.append(perf_counter())
        (label_map,) = network.simple_test(picture['img'][0].to(device), picture['img_metas'][0])
        times.append(perf_counter())
        meta, image = picture['img_metas'][0][0], picture['img'][0][0]
        prediction = PredictedPicture(number, label_map, meta, image, picture['label'].numpy())
        for output in (counts, written):
            output.add(prediction)
            times.append(perf_counter())
        marks.append(np.diff(times))
    names = (
        'reading and decoding picture and label map',
        'network',
        'counting',
        'encoding and writing a PNG',
    )
    return dict(zip(names, np.mean(marks, axis=0).tolist(), strict=True)), counts.matrix


def _outputs(dataset: Any, out: Path) -> tuple[PictureCounts, LabelPictures]:
    counts = PictureCounts(len(dataset), len(dataset.CLASSES), lambda matrix: matrix)
    return counts, LabelPictures(out, dataset, True)
