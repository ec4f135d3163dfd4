"""From a weight source in a configuration to a local file."""

import logging
import re
from pathlib import Path

import torch

from mmseg.errors import CheckpointError
from mmseg.fileio import sha256_of
from mmseg.models.weights.hub import HUB_PREFIX, resolve_hub
from mmseg.models.weights.packages import PACKAGE_PREFIX, resolve_package

PRETRAINED_FOLDER = Path('pretrained')
ZOO_PREFIX = 'open-mmlab://'
ZOO_URL = 'https://download.openmmlab.com/pretrain/third_party/'
ZOO_FILES = {
    'resnet50_v1c': 'resnet50_v1c-2cccc1ad.pth',
    'resnet101_v1c': 'resnet101_v1c-e67eebb6.pth',
    'resnext50_32x4d': 'resnext50-32x4d-0ab1a123.pth',
    'resnext101_32x4d': 'resnext101_32x4d-a5af3160.pth',
    'resnest50': 'resnest50_d2-7497a55b.pth',
    'resnest101': 'resnest101_d2-f3b931b2.pth',
    'resnest200': 'resnest200_d2-ca88e41f.pth',
}
"""Name after ``open-mmlab://`` -> file (docs/methods/encoders.md#resnet)."""

MARK = re.compile(r'-([0-9a-f]{8,64})\.\w+$')
"""The start of the sha256 of a file in its name, as ``publish_model`` and OpenMMLab write it."""

logger = logging.getLogger('mmseg')


PRETRAINED_REMEDY = (
    'Put the file there (pretrained/README.md tells which ImageNet weights come from where), correct the path '
    '(model.pretrained in the configuration), or pass --cfg-options model.pretrained=None to train from scratch.'
)


def resolve_weights(source: str | Path, remedy: str = PRETRAINED_REMEDY) -> Path:
    """The local file of a weight source.

    Args:
        source: a path; ``package:NAME`` (:mod:`mmseg.models.weights.packages`); a pinned file of a hub
            (:mod:`mmseg.models.weights.hub`); or ``open-mmlab://NAME`` with a name of :data:`ZOO_FILES`, looked for in
            ``pretrained/`` and in torch's download folder and downloaded otherwise; content that differs from the mark
            in its name is logged as a warning.
        remedy: what to do where there is no such file.

    Raises:
        CheckpointError: there is no such file or name.
    """
    if not isinstance(source, str | Path):
        raise CheckpointError(
            f'pretrained is {source!r}; expected the path of a weight file, {ZOO_PREFIX}NAME, or None to train from '
            'scratch. Weights are not chosen by True: name the file.'
        )
    text = str(source)
    if text.startswith(ZOO_PREFIX):
        return _resolve_zoo(text.removeprefix(ZOO_PREFIX))
    if text.startswith(PACKAGE_PREFIX):
        return resolve_package(text)
    if text.startswith(HUB_PREFIX):
        return resolve_hub(text, PRETRAINED_FOLDER)
    path = Path(source)
    if not path.is_file():
        found = 'is a folder' if path.is_dir() else 'does not exist'
        raise CheckpointError(f'Weight file {path} {found}. {remedy}')
    return path


def matches_mark(path: Path) -> bool:
    """Whether a file's content has the hash in its name (``NAME-0123abcd.pth``); True if there is none in it."""
    mark = MARK.search(path.name)
    return mark is None or sha256_of(path).startswith(mark[1])


def _resolve_zoo(name: str) -> Path:
    if name not in ZOO_FILES:
        raise CheckpointError(
            f"No weights are known as '{ZOO_PREFIX}{name}'; expected one of {', '.join(ZOO_FILES)}."
        )
    file = ZOO_FILES[name]
    cache = Path(torch.hub.get_dir()) / 'checkpoints'
    found = next((folder / file for folder in (PRETRAINED_FOLDER, cache) if (folder / file).is_file()), None)
    if found is None:
        found = cache / file
        _download(name, found)
    if not matches_mark(found):
        # No error: that every mark of this zoo is a sha256 could not be confirmed, and a damaged file fails to load.
        logger.warning(
            '%s does not have the sha256 that its name promises; if results are odd, delete it and download it again.',
            found,
        )
    return found


def _download(name: str, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(ZOO_URL + target.name, str(target), progress=False)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"Weights '{ZOO_PREFIX}{name}' are neither in {PRETRAINED_FOLDER}/ nor in {target.parent}, and downloading "
            f'{ZOO_URL}{target.name} failed ({error}). Get the file on a machine with network access (its sha256 '
            f'starts with the {target.stem[-8:]} of its name) and put it into {PRETRAINED_FOLDER}/, or pass '
            '--cfg-options model.pretrained=None to train from scratch.'
        ) from error
