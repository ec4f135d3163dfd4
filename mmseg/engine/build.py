"""From a configuration to the object that is trained."""

import copy
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from mmengine.config import Config

from mmseg.config.translate import Speed, TrainSettings
from mmseg.datasets.protocols import Classified
from mmseg.engine.compilation import compile_network
from mmseg.errors import CheckpointError, ConfigError, building
from mmseg.models import build_segmentor
from mmseg.models.accumulation import accumulate
from mmseg.models.activation_checkpointing import checkpoint_blocks, checkpoint_branches
from mmseg.models.global_batch import share_batch
from mmseg.models.precision import check_precision
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.student import Student
from mmseg.models.weights import load_into, meta_of, read_weight_file, select_network, state_dict_of
from mmseg.models.weights.state import State
from mmseg.processes import keep_tensor_memory
from mmseg.ranks import world_size
from mmseg.registry import MODELS
from mmseg.uda.supervised import Supervised
from mmseg.uda.trainable import Trainable

Speedable = TypeVar('Speedable', Trainable, EncoderDecoder)

HEAD = re.compile(r'^(?:decode_head|auxiliary_head)\.')
CLASSIFIER = re.compile(r'^(?!.*scale_attention).*(?:conv_seg|linear_pred)\.')
"""Layers of heads that give class scores; HRDA's attention has a layer of the same name that does not."""

logger = logging.getLogger(__name__)


def build_trainable(
    settings: TrainSettings, device: torch.device | str = 'cpu', initialise: bool = True
) -> Trainable:
    """Build what the loop trains: the plain segmentor, or the method around it.

    Source: docs/methods/self-training.md#wrapper-of-a-method.

    Args:
        settings: of the run.
        device: where it is put.
        initialise: load pretrained weights and draw the others; off if a checkpoint follows.

    Raises:
        ConfigError: the device cannot compute in that precision.
    """
    model = copy.deepcopy(settings.model)
    if settings.method:
        method = {**copy.deepcopy(settings.method), 'model': model, 'max_iters': settings.max_iters}
        with building('uda with its model'):
            trainable: Trainable = MODELS.build(method)
    else:
        trainable = Supervised(build_segmentor(model))
    trainable.seed, trainable.normalisation = settings.seed, settings.normalisation
    if initialise:
        trainable.init_weights()
    return apply_speed_options(trainable, settings, torch.device(device))


def load_initial_weights(
    trainable: Trainable, path: str, class_names: Sequence[str] = (), new_classifier: bool = False
) -> None:
    """``load_from``: weights to start with; a file of a plain network goes into the student.

    Args:
        trainable: what is trained.
        path: the file.
        class_names: what is learned, to be compared with the classes that the file names.
        new_classifier: leave out the layers that tell classes apart, for other classes than the file's.

    Raises:
        CheckpointError: missing, damaged, or of another network.
        ConfigError: the file has the same classes in another order.
    """
    content = read_weight_file(path)
    state = state_dict_of(content, path)
    network = trainable.student
    if new_classifier:
        weights, left_out = without_classifier(select_network(state, 'student', path), network)
        load_into(network, weights, path, allow_missing=True)
        logger.info('%s: new_classifier, so these layers begin anew: %s', path, ', '.join(left_out))
        return
    check_class_names(meta_of(content).get('CLASSES'), class_names, path, refuse=True)
    try:
        if state.keys() & trainable.stored().state_dict().keys():
            load_into(trainable.stored(), state, path)
        else:
            load_into(network, select_network(state, 'student', path), path)
    except CheckpointError as error:
        raise CheckpointError(f'{error}{_classifier_hint(state, network, path)}') from error


def _classifier_hint(state: State, network: Student, path: str) -> str:
    """What to do if a file fits but for the layers that tell classes apart; empty if more is wrong."""
    try:
        weights, _ = without_classifier(select_network(state, 'student', path), network)
    except CheckpointError:
        return ''
    own = network.state_dict()
    if not weights or any(key not in own or own[key].shape != value.shape for key, value in weights.items()):
        return ''
    return (
        ' To go on with other classes, add --new-classifier (new_classifier=True): the layers that tell classes '
        'apart are left out and begin anew.'
    )


def without_classifier(state: State, network: Student) -> tuple[State, list[str]]:
    """Weights without the layers of the heads that depend on the classes, and the names of those layers."""
    own = network.state_dict()
    heads = [key for key in state if HEAD.search(key)]
    left_out = {key for key in heads if CLASSIFIER.search(key)}
    left_out |= {key for key in heads if key in own and own[key].shape != state[key].shape}
    # DeepLab-v2 has no layer conv_seg: its dilated convolutions give the scores themselves.
    classes = network.num_classes
    left_out |= {
        key
        for key in heads
        if 'aspp_modules' in key and (classes,) == state[key].shape[:1] == own[key].shape[:1]
    }
    kept = {key: value for key, value in state.items() if key not in left_out}
    return kept, sorted({key.rpartition('.')[0] for key in left_out})


def check_class_names(stored: Any, names: Sequence[str], path: str | Path, refuse: bool = False) -> None:
    """Compare the classes that a checkpoint names with those of the data; a difference is a warning with both.

    Args:
        stored: ``CLASSES`` of the checkpoint, or None.
        names: classes of the data set, as many.
        path: the checkpoint, for messages.
        refuse: no warning but an error for the same names in another order, which no training can mean.

    Raises:
        ConfigError: see ``refuse``.
    """
    theirs, ours = [str(name) for name in stored or ()], [str(name) for name in names]
    if not theirs or not ours or theirs == ours:
        return
    both = f'{path} was trained on the classes {", ".join(theirs)}; the data set has {", ".join(ours)}.'
    if sorted(theirs) == sorted(ours):
        advice = (
            'The order differs, so classes are taken for one another: list classes as the checkpoint does.'
        )
        if refuse:
            raise ConfigError(f'{both} {advice}')
    else:
        advice = 'Classes are told apart by position, not by name: check that they mean the same.'
    logger.warning('%s %s', both, advice)


def check_classes(network: Student, dataset: Classified) -> None:
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


def apply_speed_options(module: Speedable, speed: Speed, device: torch.device) -> Speedable:
    """Put a training object or segmentor on its device and switch on the options that change only rounding."""
    precision = check_precision(speed.precision)
    if precision == 'fp16' and device.type != 'cuda':
        raise ConfigError(
            f'precision is "fp16", but the device is {device.type}: loss scaling needs a CUDA device. Use "bf16" or '
            '"fp32".'
        )
    module.to(device)
    if world_size() > 1 and isinstance(module, Trainable):
        share_batch(module, batch_norms=speed.batch_norm == 'synchronised')
    if speed.activation_checkpointing and isinstance(module, Trainable):
        blocks = checkpoint_blocks(module.student.backbone)
        branches = checkpoint_branches(module.student.decode_head)
        logger.info(
            'activation_checkpointing: %d blocks of the encoder, %d of the decoder compute twice',
            blocks,
            branches,
        )
    if speed.gradient_accumulation > 1 and isinstance(module, Trainable):
        accumulate(module.student.backbone, speed.gradient_accumulation)
    if speed.channels_last:
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    segmentors = module.networks().values() if isinstance(module, Trainable) else [module]
    for network in segmentors:
        network.precision = precision
        if speed.compile:
            compile_network(network)
    return module


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


def device_of_run() -> torch.device:
    """The current GPU, else the CPU, where the memory of tensors is then kept, see :func:`keep_tensor_memory`.

    For what takes its process for itself (training, testing); a network in a program of the user's leaves the memory
    to that.
    """
    device = choose_device()
    if device.type == 'cpu':
        keep_tensor_memory()
    return device


def to_dict(cfg: Config | Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as plain dictionaries of its own, safe to change."""
    return cfg.to_dict() if isinstance(cfg, Config) else copy.deepcopy(dict(cfg))
