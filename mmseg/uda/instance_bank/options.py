"""Options of the instance bank: ``uda.instance_bank`` of a configuration.

``mode`` chooses a preset; any other key that is given replaces the preset's value. 'published' is what the
released program computes (docs/methods/dida.md#what-the-program-does), 'clean' what the method says it does
(docs/methods/dida.md#the-scheme, #quirks).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mmseg.errors import ConfigError

PUBLISHED: dict[str, Any] = {
    'update': 'ema',
    'update_interval': 50,
    'momentum': 0.999,
    'ema_rows': 'class',
    'positions': 'batch',
    'absent': 'decay',
    'pixels': 'all',
    'similarity': 'sum',
    'normalise': False,
    'gather': 'mix_logits',
    'scatter': 'add',
    'pixel_mask': 'all',
    'weak_strength': 0.0,
    'loss_weight': 0.5,
}
CLEAN: dict[str, Any] = {
    'update': 'ring',
    'update_interval': 1,
    'momentum': 0.999,
    'ema_rows': 'class',
    'positions': 'image',
    'absent': 'keep',
    'pixels': 'all',
    'similarity': 'softmax',
    'normalise': True,
    'gather': 'teacher_prob',
    'scatter': 'convex',
    'pixel_mask': 'valid',
    'weak_strength': 0.1,
    'loss_weight': 0.5,
}
MODES = {'published': PUBLISHED, 'clean': CLEAN}


@dataclass(frozen=True)
class BankOptions:
    """What can be chosen about the bank, its similarities and its loss.

    Attributes:
        mode: 'published' or 'clean', the values of all keys that have no default here.
        bank_size: number of rows K.
        bank_file: folder with the two files of a published bank, or (features, labels); None: start with an
            empty bank and fill it from source images.
        classes: class ids that have rows in a bank that is filled here, None for all; SYNTHIA has 16 of 19.
        min_fill: share of rows in [0, 1] that must be filled before the loss switches on.
        update: 'ema' (rows move towards class means), 'ring' (class means replace the oldest row of their
            class), or 'none'.
        update_interval: in iterations.
        momentum: share of the old row that an 'ema' keeps, in [0, 1].
        ema_rows: 'class' (all rows of a class move alike, as published) or 'one' (one after the other).
        positions: 'batch' (Quirk: pixels where any image of the batch shows the class, read from the first
            image's features; docs/methods/dida.md#bank-update) or 'image' (each image's own pixels).
        absent: rows of classes without a pixel 'decay' (Quirk: they move towards zero) or 'keep' their value.
        pixels: 'all' pixels of a class make its mean, or those at a 'boundary' between classes.
        bps_threshold: number of labels in a 3 x 3 window that make a boundary.
        similarity: 'sum' (dot products divided by their sum) or 'softmax' (over the bank, with temperatures).
        normalise: embeddings and rows get unit length first.
        temp_weak, temp_strong: temperatures of 'softmax' for the teacher's and the student's view.
        gather: what weighs the teacher's similarities: 'mix_logits' (the student's logits of the mixed image,
            signed), 'teacher_prob' (the teacher's class probabilities of the target image) or 'none'.
        alpha: share of the semantic pseudo-label; below 1 similarities scattered to classes correct it.
        scatter: 'convex' mixture, or 'add' (Quirk: the mass becomes 2 - alpha, docs/methods/dida.md#one-training-step
            step 12).
        loss_weight: factor of the loss.
        eps: added inside the logarithm of 'sum'.
        pixel_mask: pixels with a loss: 'all'; 'target', not pasted; 'valid', of these the ones whose
            pseudo-label has a weight. The mean is over them.
        resolution: 'full' (the grid of the image) or 'native' (that of the embedding: cheaper, another loss).
        chunk: similarities (rows times pixels) that are computed at a time; memory is proportional to it, whatever
            the number of rows, and the result does not depend on it. None: what fits into the cache of a
            processor (2^17), or keeps a GPU busy (2^24, 64 MiB a map).
        weak_strength: colour jitter of the teacher's image; 0 for none, as in effect published.
        detail: networks of two resolutions: compare the detail crop's embedding, too.
    """

    mode: str = 'published'
    bank_size: int = 300
    bank_file: str | Sequence[str] | None = None
    classes: Sequence[int] | None = None
    min_fill: float = 1.0
    update: str = ''
    update_interval: int = 0
    momentum: float = math.nan
    ema_rows: str = ''
    positions: str = ''
    absent: str = ''
    pixels: str = ''
    bps_threshold: int = 2
    similarity: str = ''
    normalise: bool = False
    temp_weak: float = 0.1
    temp_strong: float = 0.1
    gather: str = ''
    alpha: float = 1.0
    scatter: str = ''
    loss_weight: float = math.nan
    eps: float = 1e-10
    pixel_mask: str = ''
    resolution: str = 'full'
    chunk: int | None = None
    weak_strength: float = math.nan
    detail: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> 'BankOptions':
        """From the dict of a configuration.

        Raises:
            ConfigError: unknown keys or values; all problems are listed.
        """
        mode = given.get('mode', 'published')
        known = {field.name for field in fields(cls)}
        problems = [f'{key}: unknown key' for key in given if key not in known]
        if mode not in MODES:
            problems.append(f'mode: found {mode!r}, expected {_listed(MODES)}')
            mode = 'published'
        values = {**MODES[mode], **{key: value for key, value in given.items() if key in known}}
        options = cls(**values)
        problems += options._problems()
        if problems:
            raise ConfigError('\n'.join(f'uda.instance_bank.{problem}.' for problem in problems))
        return options

    def _problems(self) -> list[str]:
        found = [
            f'{key}: found {getattr(self, key)!r}, expected {_listed(choices)}'
            for key, choices in CHOICES.items()
            if getattr(self, key) not in choices
        ]
        for key, (valid, expected) in NUMBERS.items():
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int | float) or not valid(value):
                found.append(f'{key}: found {value!r}, expected {expected}')
        if self.chunk is not None and (not isinstance(self.chunk, int) or self.chunk < 1):
            found.append(f'chunk: found {self.chunk!r}, expected a whole number of at least 1, or None')
        if self.similarity == 'softmax' and self.gather == 'mix_logits':
            found.append(
                "gather: 'mix_logits' are signed, which a softmax cannot be weighed with; use 'teacher_prob', or "
                "similarity 'sum'"
            )
        return found


CHOICES: dict[str, tuple[str, ...]] = {
    'update': ('ema', 'ring', 'none'),
    'ema_rows': ('class', 'one'),
    'positions': ('batch', 'image'),
    'absent': ('decay', 'keep'),
    'pixels': ('all', 'boundary'),
    'similarity': ('sum', 'softmax'),
    'gather': ('mix_logits', 'teacher_prob', 'none'),
    'scatter': ('add', 'convex'),
    'pixel_mask': ('all', 'target', 'valid'),
    'resolution': ('full', 'native'),
}
"""Valid values of the keys that name a choice."""


def _share(value: float) -> bool:
    return 0 <= value <= 1


def _positive(value: float) -> bool:
    return value > 0


def _count(value: float) -> bool:
    return isinstance(value, int) and value >= 1


NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    'bank_size': (_count, 'a whole number of at least 1'),
    'min_fill': (_share, 'a number from 0 to 1'),
    'update_interval': (_count, 'a whole number of at least 1'),
    'momentum': (_share, 'a number from 0 to 1'),
    'bps_threshold': (_count, 'a whole number of at least 1'),
    'temp_weak': (_positive, 'a number above 0'),
    'temp_strong': (_positive, 'a number above 0'),
    'alpha': (_share, 'a number from 0 to 1'),
    'loss_weight': (lambda value: value >= 0, 'a number of at least 0'),
    'eps': (_positive, 'a number above 0'),
    'weak_strength': (lambda value: 0 <= value <= 0.5, 'a number from 0 to 0.5'),
}
"""Valid ranges: predicate and what is expected."""


def _listed(choices: Any) -> str:
    return ' or '.join(repr(choice) for choice in choices)
