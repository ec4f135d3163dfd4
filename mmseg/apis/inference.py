"""Segment single pictures with a trained network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray

from mmseg.config import load_config
from mmseg.datasets.classes import CLASSES, PALETTE
from mmseg.datasets.presets import expand_pipeline
from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms import Pipeline
from mmseg.datasets.transforms.reading import start_results
from mmseg.engine.build import apply_speed_options, choose_device, to_dict
from mmseg.engine.outputs import write_picture
from mmseg.engine.scales import scale_maps
from mmseg.engine.test import load_network
from mmseg.errors import ConfigError
from mmseg.fileio import read_image
from mmseg.models import build_segmentor
from mmseg.models.segmentors import HRDAEncoderDecoder
from mmseg.visualization import colourise, overlay

Picture = str | Path | NDArray[np.uint8]


def init_model(
    config: str | Path | Mapping[str, Any] | Config,
    checkpoint: str | Path | None = None,
    device: str | None = 'cpu',
    network: str = 'student',
) -> Any:
    """A network ready to segment pictures.

    Args:
        config: configuration file, dict, or what ``load_config`` returned.
        checkpoint: weights of a training run, published, or of a plain network; None keeps random weights.
        device: 'cpu', 'cuda:0', ...; None takes the GPU if there is one.
        network: 'student' or 'teacher' of a self-training checkpoint.

    Returns:
        The segmentor in evaluation mode with ``cfg``, ``CLASSES`` and ``PALETTE`` (RGB).

    Raises:
        UserError: configuration, checkpoint or device is wrong.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    where = choose_device(device)
    if checkpoint is None:
        plain = to_dict(cfg)
        model: Any = build_segmentor({**plain['model'], 'pretrained': None})
        model.init_weights()
        apply_speed_options(model, plain, where)
    else:
        model = load_network(cfg, checkpoint, network, where)
    model.cfg = cfg
    if not hasattr(model, 'CLASSES'):
        model.CLASSES, model.PALETTE = CLASSES, PALETTE
    return model.eval()


def inference_model(model: Any, image: Picture) -> NDArray[np.int64]:
    """Segment one picture with the test pipeline of the model's configuration.

    Args:
        model: from :func:`init_model`.
        image: file, or BGR picture uint8 (H, W, 3).

    Returns:
        Class ids, int64 (H, W), at the size of the picture.

    Raises:
        DataError: the file is missing or damaged.
    """
    batches, metas = _versions(model, image)
    if len(batches) == 1:
        return model.simple_test(batches[0], [metas[0]])[0]
    return model.aug_test(batches, [[meta] for meta in metas])[0]


def inference_scales(model: Any, image: Picture) -> dict[str, NDArray[Any]]:
    """What an HRDA network says of one picture as it is, without test-time augmentation, at each scale.

    Args:
        model: from :func:`init_model`.
        image: file, or BGR picture uint8 (H, W, 3).

    Returns:
        Class ids 'context', 'detail', 'fused', int64 (H, W), and 'attention' to the detail, float32 (H, W) in
        [0, 1]; empty for networks of one scale.
    """
    if not isinstance(model, HRDAEncoderDecoder):
        return {}
    batches, metas = _versions(model, image)
    return scale_maps(model, batches[0], metas[0]['ori_shape'][:2])


def _versions(model: Any, image: Picture) -> tuple[list[torch.Tensor], list[dict[str, Any]]]:
    """The prepared picture (1, 3, h, w) and its facts, several with test-time augmentation, the plain one first."""
    name = None if isinstance(image, np.ndarray) else str(image)
    picture = image if isinstance(image, np.ndarray) else read_image(image)
    steps = _steps_after_loading(model.cfg)
    start = start_results({'seg_fields': []}, picture, name, name)
    sample = Pipeline(steps)(start, rng_for(0, 0))
    device = next(model.parameters()).device
    images, metas = sample['img'], sample['img_metas']
    if isinstance(images, torch.Tensor):
        images, metas = [images], [metas]
    return [version[None].to(device) for version in images], metas


def _steps_after_loading(cfg: Config) -> list[dict[str, Any]]:
    """The test pipeline without its first step, which reads the file."""
    data = to_dict(cfg).get('data') or {}
    pipeline = (data.get('test') or {}).get('pipeline')
    if pipeline is None:
        raise ConfigError(
            'The configuration has no data.test.pipeline, which says how pictures are prepared.'
        )
    steps = expand_pipeline(pipeline)
    return [step for step in steps if step['type'] != 'LoadImageFromFile']


def show_result(
    model: Any,
    image: Picture,
    result: NDArray[np.integer],
    palette: Sequence[Sequence[int]] | None = None,
    opacity: float = 0.5,
    out_file: str | Path | None = None,
) -> NDArray[np.uint8]:
    """Blend class colours over a picture.

    Args:
        model: from :func:`init_model`; gives the colours.
        image: file, or BGR picture uint8 (H, W, 3).
        result: class ids (H, W) from :func:`inference_model`.
        palette: RGB colours by class id, instead of the model's.
        opacity: weight of the colours in [0, 1].
        out_file: also write the picture there.

    Returns:
        BGR picture uint8 (H, W, 3).
    """
    picture = image if isinstance(image, np.ndarray) else read_image(image)
    colours = colourise(result, palette or model.PALETTE)
    blended = overlay(np.ascontiguousarray(picture[..., ::-1]), colours, opacity)
    if out_file is not None:
        write_picture(Path(out_file), blended)
    return np.ascontiguousarray(blended[..., ::-1])
