"""Segment single pictures with a trained network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray
from torch import Tensor

from mmseg.config import load_config
from mmseg.config.sections import names_of
from mmseg.config.translate import speed_of
from mmseg.datasets.building import single_datasets
from mmseg.datasets.classes import default_palette
from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms import Pipeline
from mmseg.datasets.transforms.reading import start_results
from mmseg.engine.build import apply_speed_options, check_class_names, choose_device, to_dict
from mmseg.errors import ConfigError, DataError, UsageError
from mmseg.models import build_segmentor
from mmseg.models.segmentors import HRDAEncoderDecoder
from mmseg.registry import DATASETS
from mmseg.toolbox.prediction.runs import find_run
from mmseg.toolbox.prediction.sources import Input, read_picture
from mmseg.toolbox.testing.attention import scale_maps
from mmseg.toolbox.testing.outputs import write_picture
from mmseg.toolbox.testing.run import load_network
from mmseg.visualization.palette import colourise, overlay


def init_model(
    config: str | Path | Mapping[str, Any] | Config,
    checkpoint: str | Path | None = None,
    device: str | None = 'cpu',
    network: str = 'student',
) -> Any:
    """A network ready to segment pictures.

    Args:
        config: folder of a run, configuration file, name of a shipped configuration, dict, or what ``load_config``
            returned.
        checkpoint: weights of a training run, published, or of a plain network; None takes the newest of the folder,
            and keeps random weights where there is none.
        device: 'cpu', 'cuda:0', ...; None takes the GPU if there is one.
        network: 'student' or 'teacher' of a self-training checkpoint.

    Returns:
        The segmentor in evaluation mode with ``cfg``, ``CLASSES`` and ``PALETTE`` (RGB): those of ``data.test``, which
        tools/test.py shows, too, else those of the checkpoint, else numbers and hues.

    Raises:
        UserError: configuration, checkpoint or device is wrong.
    """
    if isinstance(config, str | Path) and Path(config).is_dir():
        config, checkpoint = find_run(config, checkpoint)
    cfg = config if isinstance(config, Config) else load_config(config)
    where = choose_device(device)
    if checkpoint is None:
        plain = to_dict(cfg)
        model: Any = build_segmentor({**plain['model'], 'pretrained': None})
        model.init_weights()
        apply_speed_options(model, speed_of(cfg), where)
    else:
        model = load_network(cfg, checkpoint, network, where)
    model.cfg = cfg
    names, colours = _classes(cfg, model.num_classes)
    stored = getattr(model, 'CLASSES', None)
    if names is not None:
        check_class_names(stored, names, str(checkpoint))
    model.CLASSES = names or stored or tuple(str(i) for i in range(model.num_classes))
    model.PALETTE = colours or getattr(model, 'PALETTE', None) or default_palette(model.num_classes)
    return model.eval()


def inference_model(model: Any, image: Input) -> NDArray[np.int64]:
    """Segment one picture with the test pipeline of the model's configuration.

    Args:
        model: from :func:`init_model`.
        image: file, picture of Pillow, or array uint8: grey (H, W), BGR (H, W, 3) or BGRA (H, W, 4).

    Returns:
        Class ids, int64 (H, W), at the size of the picture.

    Raises:
        DataError: the file is missing or damaged, or the array is no picture.
    """
    prepared = prepare(picture_pipeline(model.cfg), *_read(image))
    return next(class_probabilities(model, [prepared])).argmax(0).cpu().numpy()


def inference_scales(model: Any, image: Input) -> dict[str, NDArray[Any]]:
    """What an HRDA network says of one picture as it is, without test-time augmentation, at each scale.

    Args:
        model: from :func:`init_model`.
        image: file, picture of Pillow, or array uint8: grey (H, W), BGR (H, W, 3) or BGRA (H, W, 4).

    Returns:
        Class ids 'context', 'detail', 'fused', int64 (H, W), and 'attention' to the detail, float32 (H, W) in
        [0, 1]; empty for networks of one scale.
    """
    if not isinstance(model, HRDAEncoderDecoder):
        return {}
    prepared = prepare(picture_pipeline(model.cfg), *_read(image))
    device = next(model.parameters()).device
    return scale_maps(model, prepared.images[0][None].to(device), prepared.metas[0]['ori_shape'][:2])


@dataclass(frozen=True)
class Prepared:
    """One picture as a network takes it: one version, or several with test-time augmentation, the plain one first.

    Attributes:
        images: normalised, float32 (3, h, w).
        metas: facts about each version.
    """

    images: list[Tensor]
    metas: list[dict[str, Any]]

    @property
    def sizes(self) -> tuple[torch.Size, ...]:
        """Of the versions; pictures with equal ones can share forward passes."""
        return tuple(image.shape for image in self.images)


def prepare(pipeline: Pipeline, picture: NDArray[np.uint8], name: str | None = None) -> Prepared:
    """Send a BGR picture uint8 (H, W, 3) through :func:`picture_pipeline`."""
    sample = pipeline(start_results({'seg_fields': []}, picture, name, name), rng_for(0, 0))
    images, metas = sample['img'], sample['img_metas']
    return Prepared([images], [metas]) if isinstance(images, Tensor) else Prepared(images, metas)


def class_probabilities(model: Any, batch: Sequence[Prepared]) -> Iterator[Tensor]:
    """Class probabilities of each picture of a batch at its own size, float32 (C, H, W), on the model's device.

    Pictures pass the network together and grow to their own sizes one after the other, so that memory holds one at
    full size.

    Args:
        model: from :func:`init_model`.
        batch: pictures with equal ``sizes``.
    """
    device = next(model.parameters()).device
    with torch.inference_mode():
        versions = [
            model.predict_logits(torch.stack(images).to(device))
            for images in zip(*(prepared.images for prepared in batch), strict=True)
        ]
    for i, prepared in enumerate(batch):
        with torch.inference_mode():
            first, *others = zip(versions, prepared.metas, strict=True)
            mean = model.probabilities(first[0][i : i + 1], first[1])
            for logits, meta in others:
                mean += model.probabilities(logits[i : i + 1], meta)
            mean /= len(versions)
        yield mean[0]


def _read(image: Input) -> tuple[NDArray[np.uint8], str | None]:
    """Picture and name."""
    return read_picture(image), str(image) if isinstance(image, str | Path) else None


def picture_pipeline(cfg: Config) -> Pipeline:
    """The configured test pipeline for pictures that are in memory already."""
    return Pipeline(_steps_after_loading(cfg))


def _steps_after_loading(cfg: Config) -> list[dict[str, Any]]:
    """The test pipeline without its first step, which reads the file."""
    pipeline = _test_data(cfg).get('pipeline')
    if pipeline is None:
        raise ConfigError(
            'The configuration has no data.test.pipeline, which says how pictures are prepared.'
        )
    return [step for step in pipeline if step['type'] != 'LoadImageFromFile']


def _test_data(cfg: Config) -> dict[str, Any]:
    """The (first) data set of ``data.test``; empty if there is none."""
    return next(single_datasets((to_dict(cfg).get('data') or {}).get('test')), {})


def _classes(cfg: Config, count: int) -> tuple[Sequence[str] | None, Sequence[Sequence[int]] | None]:
    """Names and RGB colours of ``data.test``; None where it has none, or not ``count`` of them."""
    single = _test_data(cfg)
    kind = DATASETS.get(single['type']) if 'type' in single else None
    names = names_of(single) if kind else None
    palette = single.get('palette') or getattr(kind, 'PALETTE', None)
    return (
        names if names and len(names) == count else None,
        palette if palette and len(palette) == count else None,
    )


def show_result(
    model: Any,
    image: Input,
    result: NDArray[np.integer],
    palette: Sequence[Sequence[int]] | None = None,
    opacity: float = 0.5,
    out_file: str | Path | None = None,
) -> NDArray[np.uint8]:
    """Blend class colours over a picture.

    Args:
        model: from :func:`init_model`; gives the colours.
        image: file, picture of Pillow, or array uint8: grey (H, W), BGR (H, W, 3) or BGRA (H, W, 4).
        result: class ids (H, W) from :func:`inference_model`.
        palette: RGB colours of all classes by id, instead of the model's.
        opacity: weight of the colours in [0, 1].
        out_file: also write the picture there.

    Returns:
        BGR picture uint8 (H, W, 3).

    Raises:
        DataError: the picture cannot be read, or has another size than the class ids.
        UsageError: fewer colours than classes.
    """
    picture = read_picture(image)
    if picture.shape[:2] != result.shape:
        raise DataError(
            f'show_result: the picture has {picture.shape[:2]} pixels (rows, columns), the class ids {result.shape}; '
            'expected what inference_model gives for this picture.'
        )
    if palette is not None and len(palette) <= result.max(initial=0):
        raise UsageError(
            f'show_result: palette has {len(palette)} colours, but there are class ids up to {result.max()}; '
            'expected one [red, green, blue] for each class.'
        )
    colours = colourise(result, palette or model.PALETTE)
    blended = overlay(np.ascontiguousarray(picture[..., ::-1]), colours, opacity)
    if out_file is not None:
        write_picture(Path(out_file), blended)
    return np.ascontiguousarray(blended[..., ::-1])
