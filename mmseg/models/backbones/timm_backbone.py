"""Any network of timm as encoder.

docs/results.md: the benchmark on real pictures uses EfficientNet-Lite0, whose ImageNet weights can be had as a Python
package. Weights are never downloaded unless the configuration names a pinned file of a hub.
"""

import inspect
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.backbones.any_grid import AnyGrid
from mmseg.models.backbones.layer_order import layer_scales
from mmseg.models.backbones.low_rank import LowRankOptions, add_low_rank, plain_name
from mmseg.models.backbones.pyramid import STRIDES, SimplePyramid
from mmseg.models.backbones.timm_networks import Request, create, load_timm
from mmseg.models.backbones.timm_survey import Survey, survey
from mmseg.models.backbones.timm_weights import load_encoder
from mmseg.models.backbones.vit_adapter import AdapterOptions, ViTAdapter
from mmseg.models.layers import resize
from mmseg.models.levels import Levels
from mmseg.models.weights import load_weights, resolve_weights
from mmseg.options import AtLeastOne, Count, Rate, Several, parse
from mmseg.registry import MODELS

logger = logging.getLogger('mmseg')


@MODELS.register_module()
class TimmBackbone(nn.Module):
    """A network of timm, completed to maps of strides 4, 8, 16 and 32 (docs/encoders.md).

    Args:
        model_name: timm model name, e.g. ``tf_efficientnet_lite0``.
        out_indices: which of timm's feature levels to return, as they are; None: those of stride 4 and more, and what
            is missing of 4, 8, 16 and 32 from a pyramid (:mod:`mmseg.models.backbones.pyramid`). Of a plain
            transformer they are numbers of blocks that the pyramid is made of, one or four; None: the last.
        pretrained: weight file, ``package:NAME`` of an installed Python package that ships one, or
            ``hf-hub:OWNER/NAME@COMMIT#SHA256``; None = timm's own initialisation. Read by :meth:`init_weights`.
        output_stride: 32, 16 or 8; smaller values dilate the last stages (where timm supports it).
        drop_path_rate: largest stochastic-depth probability in [0, 1); timm lets it rise linearly with depth.
        in_chans: image channels.
        frozen_stages: number of leading feature levels (of timm's, counted from the finest; of plain transformers:
            blocks) that keep their weights and batch-norm statistics; their backward pass is saved.
        img_size: side or (height, width) that position embeddings are made for. Other sizes work, too; networks that
            timm builds for one size only get pictures resized to this one.
        patch_size: side of the patches of a plain transformer in pixels; None: the network's own, or 16 where that is
            no power of two (pretrained patch embeddings are resampled).
        pyramid_channels: channels of the maps that the pyramid makes; None: no pyramid, only the network's own maps.
        low_rank: dict(rank, alpha, targets): train low-rank adapters instead of the weights
            (:func:`mmseg.models.backbones.low_rank.add_low_rank`); None: train the weights.
        adapter: dict(interactions, heads, points), {} for its defaults: an adapter beside a plain transformer instead
            of the pyramid (:class:`mmseg.models.backbones.vit_adapter.ViTAdapter`); None: the pyramid.
        model_args: further arguments of timm's constructor, e.g. dict(depth=2).

    Attributes:
        channels: channels of each returned map.
        strides: stride of each returned map, finest first; the last map is the deepest that the network itself makes.

    Raises:
        ConfigError: timm has no such network, or it does not accept these options.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Several[Count] | None = None,
        pretrained: str | None = None,
        output_stride: AtLeastOne = 32,
        drop_path_rate: Rate = 0.0,
        in_chans: AtLeastOne = 3,
        frozen_stages: Count = 0,
        img_size: AtLeastOne | tuple[AtLeastOne, AtLeastOne] | None = None,
        patch_size: AtLeastOne | None = None,
        pyramid_channels: AtLeastOne | None = 256,
        low_rank: Mapping[str, Any] | None = None,
        adapter: Mapping[str, Any] | None = None,
        model_args: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        given: dict[str, Any] = {'output_stride': output_stride != 32 and output_stride}
        given |= {'drop_path_rate': drop_path_rate, 'img_size': img_size, 'patch_size': patch_size}
        given |= _checked_arguments(model_args)
        arguments = {key: value for key, value in given.items() if value}
        self.survey = survey(Request(model_name, {'in_chans': in_chans, **arguments}))
        self.model_name = model_name
        self.pretrained = pretrained
        self.indices = _chosen(self.survey, out_indices, pyramid_channels is None)
        self.encoder = create(self.survey.request, self.survey.plain, self.indices)
        self.frozen = self._leading_modules(frozen_stages)
        for name in self.frozen:
            for parameter in self.encoder.get_submodule(name).parameters(recurse=False):
                parameter.requires_grad_(False)
        if low_rank is not None:
            add_low_rank(self.encoder, parse(LowRankOptions, low_rank, 'model.backbone.low_rank.{}'.format))
        self.any_grid = AnyGrid(self.encoder, 'model') if self.survey.any_grid else None
        self.own = levels = self.survey.levels.at(self.indices)
        self.pyramid: SimplePyramid | None = None
        self.adapter: ViTAdapter | None = None
        if adapter is not None:
            _check_adaptable(self.survey, out_indices)
            options = parse(AdapterOptions, adapter, 'model.backbone.adapter.{}'.format)
            self.adapter = ViTAdapter(self.encoder.model, self.own, options, in_chans)
            levels = self.adapter.levels
        elif pyramid_channels and _incomplete(self.survey, self.own, out_indices, output_stride):
            self.pyramid = SimplePyramid(self.own, pyramid_channels)
            levels = self.pyramid.levels
        self.channels, self.strides = levels.channels, levels.strides

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """Training mode, except for the frozen levels."""
        super().train(mode)
        for name in self.frozen:
            self.encoder.get_submodule(name).training = False
        return self

    def init_weights(self) -> None:
        """Load ``pretrained``, if given; otherwise keep timm's initialisation.

        Raises:
            CheckpointError: no such file or package, or the file belongs to another network.
        """
        if self.pretrained is None:
            return
        path = resolve_weights(self.pretrained)
        found = self.survey
        load_encoder(self.encoder, found.request, found.plain, self.indices, load_weights(path), path)
        logger.info('Loaded %s weights from %s.', self.model_name, path.name)

    def layer_scales(self, decay: float) -> dict[str, float]:
        """See :func:`mmseg.models.backbones.layer_order.layer_scales`; of the network, not of the pyramid."""
        if hasattr(self.encoder, 'model'):
            return {f'encoder.model.{name}': s for name, s in layer_scales(self.encoder.model, decay).items()}
        # Other wrappers of timm hide the order and join names ('stages.0' -> 'stages_0').
        request = self.survey.request
        with torch.device('meta'):
            whole = load_timm().create_model(request.model_name, num_classes=0, **request.arguments)
        scales = {name.replace('.', '_'): scale for name, scale in layer_scales(whole, decay).items()}
        own = {
            name: scales[plain_name(name).replace('.', '_')] for name, _ in self.encoder.named_parameters()
        }
        return {f'encoder.{name}': scale / max(own.values()) for name, scale in own.items()}

    def forward(self, img: Tensor) -> list[Tensor]:
        """Map images float (B, 3, H, W) to feature maps (B, channels[i], ~H/strides[i], ~W/strides[i])."""
        if self.adapter is not None:
            fitted = self._fitted(img)
            grid = (fitted.shape[2] // self.own.strides[-1], fitted.shape[3] // self.own.strides[-1])
            maps = self.adapter(fitted, self.encoder.model.blocks, self.any_grid or self.encoder, grid)
            return self._on_grids(maps, self.strides, img.shape[2:])
        maps = self.own_maps(img)
        return maps if self.pyramid is None else self.pyramid(maps, img.shape[2:])

    def own_maps(self, img: Tensor) -> list[Tensor]:
        """The maps that the network itself makes of images (B, 3, H, W)."""
        maps = list((self.any_grid or self.encoder)(self._fitted(img)))
        if self.survey.channels_last:
            maps = [x.permute(0, 3, 1, 2) for x in maps]
        return self._on_grids(maps, self.own.strides, img.shape[2:])

    def _on_grids(self, maps: list[Tensor], strides: Sequence[int], size: Sequence[int]) -> list[Tensor]:
        """Maps of the fitted image as those of the image itself, of (height, width)."""
        if self.survey.exact and self.survey.divisor == 1:
            return maps
        grids = [[-(-length // stride) for length in size] for stride in strides]
        if self.survey.exact:  # the picture was filled up
            return [x[:, :, : grid[0], : grid[1]] for x, grid in zip(maps, grids, strict=True)]
        return [resize(x, (grid[0], grid[1])) for x, grid in zip(maps, grids, strict=True)]

    def _fitted(self, img: Tensor) -> Tensor:
        """The image at a size that the network takes: resized, or filled up with zeros, the mean colour."""
        if self.survey.fixed_size is not None:
            return resize(img, self.survey.fixed_size)
        missing = [-length % self.survey.divisor for length in img.shape[2:]]
        return F.pad(img, (0, missing[1], 0, missing[0])) if any(missing) else img

    def _leading_modules(self, levels: int) -> list[str]:
        """Names of the modules up to the end of a number of feature levels, in order of registration."""
        if levels == 0:
            return []
        network = self.encoder.model if self.survey.plain else self.encoder
        info = network.feature_info if self.survey.plain else network.feature_info.info
        if not 0 < levels <= len(info):
            raise ConfigError(f'frozen_stages is {levels}; {self.model_name} has levels 1 to {len(info)}.')
        prefix = 'model.' if hasattr(self.encoder, 'model') else ''
        last = f'{prefix}{info[levels - 1]["module"]}'.replace('.', '_')
        names = [name for name, _ in self.encoder.named_modules() if name]
        inside = [i for i, name in enumerate(names) if f'{name}_'.replace('.', '_').startswith(f'{last}_')]
        if not inside:
            raise ConfigError(f'frozen_stages: {self.model_name} cannot be frozen up to {last}. Use 0.')
        return names[: inside[-1] + 1]


def _chosen(found: Survey, out_indices: Sequence[int] | None, own_only: bool) -> list[int]:
    """Numbers of the levels that the network is asked for."""
    count = len(found.levels.strides)
    if out_indices is None:
        return (
            [count - 1] if found.plain else [i for i, s in enumerate(found.levels.strides) if s >= STRIDES[0]]
        )
    chosen = list(out_indices)
    if not chosen or any(not 0 <= i < count for i in chosen):
        raise ConfigError(
            f'backbone.out_indices is {chosen}; {found.request.model_name} has levels 0 to {count - 1}: '
            f'{found.levels}.'
        )
    if found.plain and not own_only and len(chosen) not in (1, len(STRIDES)):
        raise ConfigError(
            f'backbone.out_indices is {chosen}; the pyramid of a plain transformer is made of one block or of '
            f'{len(STRIDES)}. With pyramid_channels=None any blocks are returned as they are.'
        )
    return chosen


def _incomplete(
    found: Survey, own: Levels, out_indices: Sequence[int] | None, output_stride: AtLeastOne
) -> bool:
    """Whether maps are missing that the configuration counts on."""
    return found.plain or (out_indices is None and output_stride == 32 and not {*STRIDES} <= {*own.strides})


def _check_adaptable(found: Survey, out_indices: Sequence[int] | None) -> None:
    """An adapter needs a whole plain transformer that sees pictures as they are."""
    if not found.plain or found.fixed_size is not None or not found.exact or out_indices is not None:
        raise ConfigError(
            f'backbone.adapter: {found.request.model_name} cannot have one; expected a plain transformer (vit, deit, '
            'beit, dinov2, dinov3, eva02) whose patches have a power of two for a side, without out_indices.'
        )


def _checked_arguments(model_args: Mapping[str, Any] | None) -> dict[str, Any]:
    """Arguments for timm's constructors, none that says how or from where a network is loaded."""
    refused = {
        *inspect.signature(load_timm().create_model).parameters,
        'features_only',
        'out_indices',
        'num_classes',
    }
    wrong = sorted(refused & {*(model_args or {})})
    if wrong:
        raise ConfigError(
            f'backbone.model_args: found {", ".join(wrong)}; expected arguments of the network itself, e.g. depth. '
            'Weights are named by pretrained, levels by out_indices.'
        )
    return dict(model_args or {})
