"""Networks of timm, built as encoders."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from mmseg.errors import ConfigError, nearest


@dataclass(frozen=True)
class Request:
    """What a configuration asks of timm.

    Attributes:
        model_name: of timm, perhaps with the tag of its weights ('NAME.TAG').
        arguments: of timm's constructor; plain values.
    """

    model_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def with_arguments(self, **arguments: Any) -> 'Request':
        """The same with further arguments."""
        return replace(self, arguments={**self.arguments, **arguments})


class Plain(nn.Module):
    """A plain transformer of timm without head; its maps are those of blocks, normalised as its output is.

    Args:
        model: with ``forward_intermediates``.
        out_indices: numbers of the blocks.
    """

    def __init__(self, model: Any, out_indices: Sequence[int]) -> None:
        super().__init__()
        self.out_indices = list(out_indices)
        model.prune_intermediate_layers(self.out_indices, prune_norm=False, prune_head=True)
        self.model = model

    def forward(self, img: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W) -> maps (B, C, H / patch, W / patch), without class token and registers."""
        maps: list[Tensor] = self.model.forward_intermediates(
            img, indices=self.out_indices, norm=True, output_fmt='NCHW', intermediates_only=True
        )
        return maps


def load_timm() -> Any:
    """The library, imported when it is first needed: that takes longer than all the rest of a program's start."""
    import timm

    return timm


def check_name(model_name: object) -> None:
    """Refuse what timm takes besides names: places of descriptions of networks (``hf-hub:``, ``local-dir:``).

    Raises:
        ConfigError: timm has no network of this name.
    """
    timm = load_timm()
    if not isinstance(model_name, str) or not timm.is_model(model_name):
        raise ConfigError(
            f'timm cannot build the backbone {model_name!r}: it has no network of this name'
            f'{nearest(str(model_name), timm.list_models())}.'
        )


def create(request: Request, plain: bool, out_indices: Sequence[int] | None, **weights: Any) -> Any:
    """A network as encoder.

    Args:
        request: name and arguments.
        plain: see :class:`Survey`.
        out_indices: which maps; None: as timm thinks best.
        weights: what timm is told about weights to load.

    Raises:
        ConfigError: timm does not build it.
    """
    build = functools.partial(load_timm().create_model, request.model_name, **request.arguments, **weights)
    chosen = {} if out_indices is None else {'out_indices': tuple(out_indices)}
    try:
        return (
            Plain(build(num_classes=0), out_indices or (-1,))
            if plain
            else build(features_only=True, **chosen)
        )
    except Exception as error:  # timm and its networks raise whatever comes
        raise ConfigError(
            f"timm cannot build the backbone '{request.model_name}' with "
            f'{dict(request.arguments) | chosen}: {error}. Choose a name from timm.list_models() that supports '
            'features_only and these options.'
        ) from error
