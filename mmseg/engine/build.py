"""From a configuration to the object that is trained."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import torch
from mmengine.config import Config
from torch import nn

from mmseg.errors import ConfigError, building
from mmseg.models import build_segmentor
from mmseg.models.precision import check_precision
from mmseg.models.trainable import Trainable
from mmseg.models.weights import load_into, load_weights, select_network
from mmseg.registry import MODELS

Settings: TypeAlias = Config | Mapping[str, Any]


def build_trainable(cfg: Settings, device: torch.device | str = 'cpu', initialise: bool = True) -> Trainable:
    """Build what the loop trains: the plain segmentor, or the method of ``uda`` around it (spec/uda.md 1).

    Args:
        cfg: checked configuration; reads ``model``, ``uda``, ``runner``, ``seed``, ``precision``, ``compile`` and
            ``channels_last``.
        device: where it is put.
        initialise: load pretrained weights and draw the others; off if a checkpoint follows.

    Raises:
        ConfigError: the device cannot compute in that precision.
    """
    values = to_dict(cfg)
    if values.get('uda'):
        method = {**values['uda'], 'model': values['model'], 'max_iters': int(values['runner']['max_iters'])}
        with building('uda with its model'):
            trainable: Trainable = MODELS.build(method)
    else:
        trainable = build_segmentor(values['model'])
    trainable.seed = int(values.get('seed') or 0)
    if initialise:
        trainable.init_weights()  # type: ignore[operator]
    return apply_speed_options(trainable, values, torch.device(device))


def load_initial_weights(trainable: nn.Module, path: str) -> None:
    """``load_from``: weights to start with; a file of a plain network goes into the student.

    Raises:
        CheckpointError: missing, damaged, or of another network.
    """
    state = load_weights(path)
    if state.keys() & trainable.state_dict().keys():
        load_into(trainable, state, path)
    else:
        load_into(getattr(trainable, 'model', trainable), select_network(state, 'student', path), path)


def check_classes(network: Any, dataset: Any) -> None:
    """Make sure that a segmentor predicts the classes of a data set.

    Raises:
        ConfigError: their numbers differ, or the data set has no classes.
    """
    names, count = dataset.CLASSES, network.num_classes
    if names is None:
        raise ConfigError(
            f'{type(dataset).__name__} has no class names; give them as classes=[...] in the configuration.'
        )
    if len(names) != count:
        raise ConfigError(
            f'The network predicts {count} classes (model.decode_head.num_classes), but {type(dataset).__name__} '
            f'has {len(names)}: {", ".join(names)}. Make them equal, or choose classes with classes=[...].'
        )


def apply_speed_options(module: Trainable, values: Mapping[str, Any], device: torch.device) -> Trainable:
    """Put a training object or segmentor on its device and switch on the options that change only rounding."""
    precision = check_precision(values.get('precision') or 'fp32')
    if precision == 'fp16' and device.type != 'cuda':
        raise ConfigError(
            f'precision is "fp16", but the device is {device.type}: loss scaling needs a CUDA device. Use "bf16" or '
            '"fp32".'
        )
    module.to(device)
    if values.get('channels_last'):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for network in networks(module):
        network.precision = precision
        if values.get('compile'):
            network.backbone.compile()
            head = network.decode_head
            head.embed = torch.compile(head.embed)  # training does not go through the head's __call__
    return module


def networks(module: nn.Module) -> Iterator[Any]:
    """The segmentors inside a training object (itself, student, teacher, ...)."""
    return (
        child for child in module.modules() if hasattr(child, 'backbone') and hasattr(child, 'decode_head')
    )


def choose_device(name: str | None = None) -> torch.device:
    """A named device, else the current GPU, else the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    if name is None:
        name = f'cuda:{torch.cuda.current_device()}' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f'device {name!r} cannot be used ({reason}); expected "cpu" or, with a GPU, "cuda:0".'
        ) from error
    return device


def to_dict(cfg: Settings) -> dict[str, Any]:
    """A configuration as plain dictionaries of its own, safe to change."""
    return cfg.to_dict() if isinstance(cfg, Config) else copy.deepcopy(dict(cfg))
