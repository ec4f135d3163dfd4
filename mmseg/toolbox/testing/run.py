"""Testing a checkpoint: scores, tables, pictures (docs/methods/tools.md#test-program)."""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray

from mmseg.config import require_sections
from mmseg.config.translate import speed_of
from mmseg.datasets import SYNTHIA_13, SYNTHIA_16, build_dataset
from mmseg.datasets.classes import CLASSES
from mmseg.engine.build import apply_speed_options, check_class_names, check_classes, device_of_run, to_dict
from mmseg.engine.distributed import barrier
from mmseg.engine.environment import loader_workers
from mmseg.engine.evaluate import predict, total_confusion
from mmseg.errors import UsageError
from mmseg.evaluation import evaluate
from mmseg.models import build_segmentor
from mmseg.models.weights import load_into, meta_of, read_weight_file, select_network, state_dict_of
from mmseg.ranks import is_main, world_size
from mmseg.toolbox.reports import RunResult, save_result
from mmseg.toolbox.reports.confusion import write_confusion
from mmseg.toolbox.testing.attention import AttentionNetwork, ScalePanels
from mmseg.toolbox.testing.outputs import (
    ColourPictures,
    GreyPictures,
    LabelPictures,
    Output,
    ResultFile,
    check_places,
)
from mmseg.toolbox.testing.picture_counts import PictureCounts, Worst, scored_confusion, worst_pictures
from mmseg.toolbox.testing.prediction_files import evaluate_official
from mmseg.toolbox.testing.writers import Writers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutputOptions:
    """What to do with the predictions.

    Attributes:
        metrics: 'mIoU', 'mDice', 'mFscore', 'cityscapes'; empty = no scores.
        network: 'student' or 'teacher'.
        show_dir: folder for colour pictures.
        opacity: weight of the colours in (0, 1].
        out: file for a pickled list of class maps.
        parts_dir: folder where the parts of ``out`` lie until the last one; that of ``out`` if None.
        label_dir: folder for PNGs of class ids.
        to_label_id: write official Cityscapes ids there; None: where the classes are those of Cityscapes.
        archive: zip file of these PNGs.
        result_dir: folder for ``result_{network}.json``, which reports are made of.
        attention: the network predicts attention instead of classes; ``show_dir`` gets it as grey levels.
        panel_dir: folder for panels of what each scale of an HRDA network predicts.
        together: pictures of one size that share a forward pass, see :func:`mmseg.engine.evaluate.predict`.
        confusion_file: file for the confusion matrix, see :mod:`mmseg.toolbox.reports.confusion`; with ``metrics``.
    """

    metrics: tuple[str, ...] = ()
    network: str = 'student'
    show_dir: Path | None = None
    opacity: float = 0.5
    out: Path | None = None
    parts_dir: Path | None = None
    label_dir: Path | None = None
    to_label_id: bool | None = None
    archive: Path | None = None
    result_dir: Path | None = None
    attention: bool = False
    panel_dir: Path | None = None
    confusion_file: Path | None = None
    together: int = 1


@dataclass(frozen=True)
class ScoreReport:
    """Outcome of a test.

    Attributes:
        values: scores as fractions by published name.
        text: the published tables and, for the 19 Cityscapes classes, the means over the 16 and 13 of SYNTHIA.
        confusion: int64 (C, C) over the classes that are scored, rows true, columns predicted; None without scores.
        class_names: their C names.
        class_iou: their IoU in percent; NaN where the class is absent.
    """

    values: dict[str, float]
    text: str
    confusion: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    class_iou: tuple[float, ...] = ()


def test(cfg: Config, checkpoint: str | Path, options: OutputOptions) -> ScoreReport:
    """Run the network of a checkpoint over ``data.test``.

    Memory does not grow with the number of pictures. Several processes share them out.

    Raises:
        UserError: anything wrong with configuration, data or checkpoint.
    """
    require_sections(cfg, ['model', 'data.test'])
    dataset = build_dataset(to_dict(cfg)['data']['test'], test_mode=True)
    network = load_network(cfg, checkpoint, options.network)
    check_classes(network, dataset)
    check_class_names(getattr(network, 'CLASSES', None), dataset.CLASSES, checkpoint)
    if options.metrics:
        dataset.check_labels()
    workers = loader_workers(int(cfg.data.get('workers_per_gpu', 4)))
    options = _with_known_ids(options, dataset)
    check_places((options.show_dir, options.panel_dir), options.label_dir, dataset)
    with _label_folder(options) as options:
        outputs = _outputs(options, dataset, network)
        counts = PictureCounts(
            len(dataset), len(dataset.CLASSES), lambda matrix: scored_confusion(matrix, dataset)
        )
        shown = AttentionNetwork(network) if options.attention else network
        matrix = _run(shown, dataset, workers, outputs, counts if options.metrics else None, options.together)
        report = _report(matrix, dataset, options)
    if report.confusion is None:
        return report
    sums = counts.total(next(network.parameters()).device)  # by all processes
    if is_main():
        if options.confusion_file is not None:
            title = f'{options.network}, mIoU {np.nanmean(report.class_iou):.2f}'
            write_confusion(options.confusion_file, report.confusion, report.class_names, title)
        if options.result_dir is not None:
            worst = worst_pictures(sums, report.class_names, dataset)
            _save_result(cfg, Path(checkpoint), dataset, report, worst, options)
    return report


def load_network(
    cfg: Config, checkpoint: str | Path, which: str = 'student', device: torch.device | None = None
) -> Any:
    """The plain segmentor of ``cfg.model`` with the student's or teacher's weights, in evaluation mode.

    It gets ``CLASSES`` (texts) and ``PALETTE`` if the checkpoint has them for as many classes as the network.
    """
    content = read_weight_file(checkpoint)
    values = to_dict(cfg)
    network = build_segmentor({**values['model'], 'pretrained': None})
    load_into(network, select_network(state_dict_of(content, checkpoint), which, checkpoint), checkpoint)
    meta = meta_of(content)
    for name in ('CLASSES', 'PALETTE'):
        stored = meta.get(name)
        if stored is None:
            logger.info('"%s" not found in meta, use dataset.%s instead', name, name)
        elif len(stored) != network.num_classes:
            logger.warning(
                '%s: %s has %d entries for %d classes; that of the data set is used.',
                checkpoint, name, len(stored), network.num_classes,
            )  # fmt: skip
        else:
            plain = str if name == 'CLASSES' else list
            setattr(network, name, [plain(item) for item in stored])
    return apply_speed_options(network, speed_of(cfg), device or device_of_run()).eval()


def _run(
    network: Any, dataset: Any, workers: int, outputs: list[Output], counts: PictureCounts | None,
    together: int = 1,
) -> NDArray[np.int64] | None:  # fmt: skip
    """Predict everything once; returns the confusion matrix (C, C) over all processes if ``counts`` are wanted."""
    began = time.perf_counter()
    try:
        with Writers([*outputs, *([] if counts is None else [counts])]) as writers:
            for prediction in predict(network, dataset, workers, counts is not None, together):
                writers.add(prediction)
        barrier()
        number, seconds = len(dataset), time.perf_counter() - began
        logger.info('Predicted %d images in %.1f s: %.2f images/s', number, seconds, number / seconds)
        for output in outputs if is_main() else ():
            output.collect(len(dataset))
    finally:
        for output in outputs if is_main() else ():
            output.close()
    return None if counts is None else total_confusion(counts.matrix, next(network.parameters()).device)


def _with_known_ids(options: OutputOptions, dataset: Any) -> OutputOptions:
    """The options with the choice of ids made.

    Raises:
        UsageError: official ids are asked for, but the classes are not those of Cityscapes.
    """
    official = tuple(dataset.CLASSES) == CLASSES
    if options.to_label_id is None:
        return replace(options, to_label_id=official)
    if official or not (options.to_label_id or 'cityscapes' in options.metrics):
        return options
    raise UsageError(
        f'The official label ids and evaluation of Cityscapes belong to its 19 classes; data.test has '
        f'{len(dataset.CLASSES)}: {", ".join(dataset.CLASSES)}. Use --eval mIoU, and --eval-options to_label_id=False '
        'to write the ids of these classes.'
    )


@contextmanager
def _label_folder(options: OutputOptions) -> Iterator[OutputOptions]:
    """The options with a folder for the PNGs that the official evaluation reads; temporary if none is named."""
    if 'cityscapes' not in options.metrics or options.label_dir is not None:
        yield options
        return
    if world_size() > 1:
        raise UsageError(
            '--eval cityscapes with several processes needs a common folder; name one with --out-dir.'
        )
    with tempfile.TemporaryDirectory() as folder:
        yield replace(options, label_dir=Path(folder), to_label_id=True)


def _outputs(options: OutputOptions, dataset: Any, network: Any) -> list[Output]:
    outputs: list[Output] = []
    if options.attention and options.show_dir is not None:
        outputs.append(GreyPictures(options.show_dir))
    elif options.show_dir is not None:
        outputs.append(ColourPictures(options.show_dir, dataset.PALETTE, options.opacity))
    if options.panel_dir is not None:
        outputs.append(ScalePanels(options.panel_dir, network, dataset.PALETTE))
    if options.label_dir is not None:
        outputs.append(LabelPictures(options.label_dir, dataset, bool(options.to_label_id), options.archive))
    if options.out is not None:
        outputs.append(ResultFile(options.out, options.parts_dir))
    return outputs


def _report(matrix: NDArray[np.int64] | None, dataset: Any, options: OutputOptions) -> ScoreReport:
    values: dict[str, float] = {}
    texts: list[str] = []
    for metric in options.metrics:
        if metric == 'cityscapes':
            assert options.label_dir is not None
            part = dataset.parts()[0]
            official = evaluate_official(options.label_dir, part.ann_dir, Path(part.img_suffix).stem)
            values.update(official)
            texts.append('\n'.join(f'{name}: {value:.4f}' for name, value in official.items()))
            continue
        assert matrix is not None
        scores = dataset.evaluate_confusion(matrix, metric)
        values.update(scores.values)
        texts.append(scores.text)
    if matrix is not None and tuple(dataset.CLASSES) == CLASSES and dataset.class_merge is None:
        subsets = subset_means(matrix)
        values.update(subsets)
        means = [f'{name}: {100 * value:.2f}' for name, value in subsets.items()]
        texts.append(f'mIoU over 19, 16 and 13 classes (SYNTHIA labels 16): {", ".join(means)}')
    if matrix is None:
        return ScoreReport(values, '\n'.join(texts))
    ious = dataset.evaluate_confusion(matrix, 'mIoU').values
    names = {key.removeprefix('IoU.'): 100 * iou for key, iou in ious.items() if key.startswith('IoU.')}
    scored = scored_confusion(matrix, dataset)
    return ScoreReport(values, '\n'.join(texts), scored, tuple(names), tuple(names.values()))


def subset_means(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Mean IoU over all 19 classes and over the 16 and 13 that results on SYNTHIA are given for.

    Args:
        matrix: int64 (19, 19), rows true, columns predicted.
    """
    subsets = {'mIoU19': None, 'mIoU16': SYNTHIA_16, 'mIoU13': SYNTHIA_13}
    return {
        name: evaluate(matrix, 'mIoU', CLASSES, subset=subset).values['mIoU']
        for name, subset in subsets.items()
    }


def _save_result(
    cfg: Config, checkpoint: Path, dataset: Any, report: ScoreReport, worst: Worst, options: OutputOptions
) -> None:
    """Write what reports are made of; a folder that cannot be written is no reason to lose the scores."""
    assert options.result_dir is not None
    logs = sorted(checkpoint.parent.glob('*.log.json'))
    result = RunResult(
        title=str(cfg.get('name') or checkpoint.parent.name),
        class_iou=dict(zip(report.class_names, report.class_iou, strict=True)),
        confusion=report.confusion,
        log_file=logs[-1] if logs else None,
        network=options.network,
        note=f'{len(dataset)} pictures',
        worst=worst,
    )
    path = options.result_dir / f'result_{options.network}.json'
    try:
        save_result(path, result)
    except OSError as error:
        logger.warning('%s was not written: %s', path, error)
