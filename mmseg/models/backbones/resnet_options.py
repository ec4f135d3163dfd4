"""Options of the ResNet family, and what distinguishes its members."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mmseg.option_types import Range
from mmseg.options import AtLeastOne, Count, NoOptions, Several


@dataclass(frozen=True)
class Stages:
    """What distinguishes the members of the family; used where a configuration does not say it.

    Attributes:
        deep_stem: three 3x3 convolutions instead of one 7x7.
        avg_down: residuals of a stage's first block are averaged before their 1x1 convolution.
        groups, base_width: a block of C channels is ``floor(C * base_width / 64) * groups`` wide inside.
    """

    deep_stem: bool = False
    avg_down: bool = False
    groups: int = 1
    base_width: int = 64

    def changed(
        self, deep_stem: bool | None, avg_down: bool | None, groups: int | None, base_width: int | None
    ) -> 'Stages':
        """This layout with what is not None in place of its own."""
        return Stages(
            self.deep_stem if deep_stem is None else deep_stem,
            self.avg_down if avg_down is None else avg_down,
            self.groups if groups is None else groups,
            self.base_width if base_width is None else base_width,
        )

    def width(self, channels: int) -> int:
        """Channels inside a block."""
        return channels * self.base_width // 64 * self.groups


@dataclass(frozen=True, kw_only=True)
class ResNetOptions(NoOptions):
    """Options of the whole family.

    Attributes:
        depth: 50, 101 or 152.
        in_channels: channels of the image.
        stem_channels, base_channels: channels after the stem, and of the first stage (a quarter of its output).
        num_stages: number of stages, at most 4.
        strides, dilations: of each stage.
        out_indices: stages whose maps are returned.
        style: where the stride of a block is: 'pytorch' 3x3, 'caffe' first 1x1 convolution.
        frozen_stages: freeze the stem and this many stages; -1: nothing.
        norm_cfg: normalisation; ``requires_grad`` False freezes its parameters.
        norm_eval: keep batch norms in evaluation mode while training.
        contract_dilation: the first block of a dilated stage uses half the dilation.
        zero_init_residual: the last norm of every block starts at zero.
        deep_stem, avg_down, groups, base_width: see :class:`Stages`; None: as usual for this class.
        pretrained: weight file or ``open-mmlab://`` name, or None to initialise from scratch.
        init_cfg: ``dict(type='Pretrained', checkpoint=path)``, the other way to say ``pretrained``.
    """

    depth: int
    in_channels: AtLeastOne = 3
    stem_channels: AtLeastOne = 64
    base_channels: AtLeastOne = 64
    num_stages: AtLeastOne = 4
    strides: Several[AtLeastOne] = (1, 2, 2, 2)
    dilations: Several[AtLeastOne] = (1, 1, 1, 1)
    out_indices: Several[Count] = (0, 1, 2, 3)
    style: Literal['pytorch', 'caffe'] = 'pytorch'
    frozen_stages: Annotated[int, Range(-1)] = -1
    norm_cfg: Mapping[str, Any] | None = None
    norm_eval: bool = False
    contract_dilation: bool = False
    zero_init_residual: bool = True
    deep_stem: bool | None = None
    avg_down: bool | None = None
    groups: AtLeastOne | None = None
    base_width: AtLeastOne | None = None
    pretrained: str | None = None
    init_cfg: Mapping[str, Any] | None = None
