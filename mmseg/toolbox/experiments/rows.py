"""What an experiment is: an id and rows; what a row says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

SEEDS = (0, 1, 2)


MASK_CODES = {
    'separatetrg': 'spt',
    'separatetrgaug': 'spta',
    'separatesrc': 'sps',
    'separatesrcaug': 'spsa',
    'separate': 'sep',
    'separateaug': 'spa',
}
"""What names of runs call the masking modes (docs/methods/mic.md#modes)."""


@dataclass(frozen=True)
class Masking:
    """Masked image consistency of a row; options below ``uda`` of these names (docs/methods/mic.md#experiments)."""

    mask_block_size: int
    mask_mode: str = 'separatetrgaug'
    mask_ratio: float = 0.7
    mask_alpha: float | str = 'same'
    mask_pseudo_threshold: float | str | None = 'same'
    mask_lambda: float = 1

    def options(self) -> dict[str, Any]:
        """Entries of ``uda``."""
        block = {'mask_ratio': self.mask_ratio, 'mask_block_size': self.mask_block_size}
        return {
            'mask_mode': self.mask_mode,
            'mask_alpha': self.mask_alpha,
            'mask_pseudo_threshold': self.mask_pseudo_threshold,
            'mask_lambda': self.mask_lambda,
            'mask_generator': {'type': 'block', **block, '_delete_': True},
        }

    def name(self) -> str:
        """Part of the name of a run."""
        name = f'_m{self.mask_block_size}-{self.mask_ratio}-'
        name += '' if self.mask_alpha == 'same' else f'a{self.mask_alpha}-'
        name += '' if self.mask_pseudo_threshold == 'same' else f'p{self.mask_pseudo_threshold}-'
        return name + MASK_CODES[self.mask_mode] + ('' if self.mask_lambda == 1 else f'-w{self.mask_lambda}')


@dataclass(frozen=True)
class Bank:
    """Instance bank of a row: options below ``uda.instance_bank``.

    Attributes:
        size: number of rows.
        classes: that have rows; None = all of the network's.
        mode: 'published', 'clean' or 'trusted'.
        named: part of the name of the run; DIDA's own names do not mention it.
    """

    size: int = 300
    classes: tuple[int, ...] | None = None
    mode: str = 'published'
    named: bool = False

    def options(self) -> dict[str, Any]:
        """Entries of ``uda``."""
        classes = {} if self.classes is None else {'classes': list(self.classes)}
        return {'instance_bank': {'mode': self.mode, 'bank_size': self.size, **classes}}

    def name(self) -> str:
        """Part of the name of a run."""
        return f'_ib{self.size}-{self.mode}' if self.named else ''


@dataclass(frozen=True)
class Row:
    """One published setting, trained once a seed, with DAFormer's defaults (docs/methods/experiments.md#defaults).

    The papers' generators differ in small things, which are fields here, so that all share one resolver.

    Attributes:
        architecture, backbone: names, see ``mmseg.toolbox.experiments.architecture``.
        uda: 'source-only', 'target-only' or a file of ``configs/_base_/uda``.
        source, target: data sets of ``configs/_base_/datasets``.
        crop: height and width of training crops, 'HxW'.
        oracle_data: name of the data file for 'target-only'.
        rcs_temperature: temperature of rare class sampling; None = off, infinity = all classes alike.
        min_crop_ratio: share of the required pixels that the crop should keep.
        crop_pseudo_labels: 'v1' (or True): no pseudo-labels in the first 15 and last 120 rows of the crop; 'v2': none
            near the border of the image; False: everywhere.
        sync_crop_size: (h, w) of a further crop at the same place in source and target, or None.
        masking: masked image consistency, None = off.
        bank: instance-level consistency, None = off.
        inference: 'whole' or 'slide' (windows of the size of the training crop).
        batched_slide: all windows of an image in one forward pass.
        optimizer, lr, schedule: files of ``configs/_base_/schedules`` and the base learning rate.
        head_lr_mult: ten times the rate for the decoder.
        iters, batch_size, workers: length, images per domain and step, loader processes.
        check_ups: evaluate and save so many times and keep 50 checkpoints; None: evaluate ten times, save at the end.
        gpu_model: for information; not written if None.
        startup: settings of the start-up tests: errors only are logged, no evaluation.
        seeds: one run each.
    """

    architecture: str
    backbone: str
    uda: str
    source: str = 'gta'
    target: str = 'cityscapes'
    crop: str = '512x512'
    oracle_data: str = '{target}_half_{crop}'
    rcs_temperature: float | None = None
    min_crop_ratio: float = 0.5
    crop_pseudo_labels: bool | str = False
    sync_crop_size: tuple[int, int] | None = None
    masking: Masking | None = None
    bank: Bank | None = None
    inference: str = 'whole'
    batched_slide: bool = True
    optimizer: str = 'adamw'
    lr: float = 0.00006
    schedule: str = 'poly10warm'
    head_lr_mult: bool = True
    iters: int = 40000
    batch_size: int = 2
    workers: int = 4
    check_ups: int | None = None
    gpu_model: str | None = None
    startup: bool = False
    seeds: tuple[int, ...] = SEEDS

    def crop_size(self) -> tuple[int, int]:
        """(h, w) that the network is trained on."""
        height, width = (int(number) for number in self.crop.split('x'))
        return self.sync_crop_size or (height, width)


@dataclass(frozen=True)
class FileRow:
    """A setting that stands in a file of its own.

    Attributes:
        config: file below ``configs/``.
        name: name of the runs without seed; the file's stem if empty.
        seeds: one run each.
    """

    config: str
    name: str = ''
    seeds: tuple[int, ...] = (0,)


AnyRow = Row | FileRow


ABSENT_16, ABSENT_13 = ('terrain', 'truck', 'train'), ('wall', 'fence', 'pole', 'terrain', 'truck', 'train')
"""Classes of Cityscapes that means over 16 and over 13 of them, as usual with SYNTHIA, leave out."""

TEST_SET = 'test set'


@dataclass(frozen=True)
class Published:
    """A published score.

    Attributes:
        score: mIoU in percent.
        runs: which setting has it: pattern of its name, without seed; ``*`` stands for anything.
        without: names of classes that its mean leaves out.
        otherwise: why our scores of these runs do not compare, such as other pictures; empty if they do.
        network: that was scored: 'student' or 'teacher'.
    """

    score: float
    runs: str = '*'
    without: tuple[str, ...] = ()
    otherwise: str = ''
    network: str = 'student'


@dataclass(frozen=True)
class Experiment:
    """One id of ``run_experiments.py --exp``.

    Attributes:
        id: what ``--exp`` takes: a number, or a text where another paper has the number.
        paper: group in the list.
        table: what the paper calls it: 'Table 1', 'Figure 4', 'Tables 3-7, S1', or '-'.
        title: what it shows.
        rows: settings in the published order.
        published: what was published, by what it is called; empty where no source shows any.
        number: what the runs carry as ``exp`` if that is not the id.
        before: 'module:function' called with (jobs, say) before the first run, e.g. to draw data.
        after: 'module:function' called with (jobs, say) after the last run, e.g. to write a report.
    """

    id: str
    paper: str
    table: str
    title: str
    rows: tuple[AnyRow, ...]
    published: Mapping[str, Published] = field(default_factory=dict)
    number: int | None = None
    before: str = ''
    after: str = ''

    @property
    def exp(self) -> int | str:
        """The ``exp`` entry of generated configurations; names the folder of the runs."""
        if self.number is not None:
            return self.number
        return int(self.id) if self.id.isdigit() else self.id


def grid(models: Iterable[tuple[str, str]], udas: Iterable[str], **common: Any) -> Iterator[Row]:
    """Every model (architecture, backbone) with every method, the method varying fastest."""
    for (architecture, backbone), uda in product(models, udas):
        yield Row(architecture, backbone, uda, **common)
