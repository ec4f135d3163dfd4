"""Options of the instance bank: ``uda.instance_bank`` of a configuration.

``mode`` chooses a preset; any other key that is given replaces the preset's value. 'published' is what the
released program computes (docs/methods/dida.md#what-the-program-does), 'clean' what the method says it does
(docs/methods/dida.md#the-scheme, #quirks), 'trusted' that with pixels weighed by how far they may be trusted
(docs/dida.md#three-modes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mmseg.option_types import Range
from mmseg.options import Amount, AtLeastOne, NoOptions, Positive, Share, parse

CLEAN: dict[str, Any] = {
    'update': 'ring',
    'update_interval': 1,
    'positions': 'image',
    'absent': 'keep',
    'similarity': 'softmax',
    'normalise': True,
    'gather': 'teacher_prob',
    'scatter': 'convex',
    'pixel_mask': 'valid',
    'weak_strength': 0.1,
}
TRUSTED: dict[str, Any] = {**CLEAN, 'pixel_weight': 'agreement'}
MODES: dict[str, dict[str, Any]] = {'published': {}, 'clean': CLEAN, 'trusted': TRUSTED}


@dataclass(frozen=True)
class BankOptions(NoOptions):
    """What can be chosen about the bank, its similarities and its loss; defaults are those of 'published'.

    Attributes:
        mode: 'clean' changes the defaults of others, see :data:`CLEAN`; 'trusted' besides `pixel_weight`.
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
        pixel_weight: of these pixels in the mean: 'equal', or 'agreement', the weight of the pseudo-label times the
            probability that the teacher gives it times the share of the similarities that rows of its class have
            (all three in [0, 1]). The mean is divided by the number of pixels, not by the sum of the weights, so that
            the loss is small where little is trusted.
        resolution: 'full' (the grid of the image) or 'native' (that of the embedding: cheaper, another loss).
        chunk: similarities (rows times pixels) that are computed at a time; memory is proportional to it, whatever
            the number of rows, and the result does not depend on it. None: what fits into the cache of a
            processor (2^17), or keeps a GPU busy (2^24, 64 MiB a map).
        weak_strength: colour jitter of the teacher's image; 0 for none, as in effect published.
        detail: networks of two resolutions: compare the detail crop's embedding, too.
    """

    mode: Literal['published', 'clean', 'trusted'] = 'published'
    bank_size: AtLeastOne = 300
    bank_file: str | Sequence[str] | None = None
    classes: Sequence[int] | None = None
    min_fill: Share = 1.0
    update: Literal['ema', 'ring', 'none'] = 'ema'
    update_interval: AtLeastOne = 50
    momentum: Share = 0.999
    ema_rows: Literal['class', 'one'] = 'class'
    positions: Literal['batch', 'image'] = 'batch'
    absent: Literal['decay', 'keep'] = 'decay'
    pixels: Literal['all', 'boundary'] = 'all'
    bps_threshold: AtLeastOne = 2
    similarity: Literal['sum', 'softmax'] = 'sum'
    normalise: bool = False
    temp_weak: Positive = 0.1
    temp_strong: Positive = 0.1
    gather: Literal['mix_logits', 'teacher_prob', 'none'] = 'mix_logits'
    alpha: Share = 1.0
    scatter: Literal['add', 'convex'] = 'add'
    loss_weight: Amount = 0.5
    eps: Positive = 1e-10
    pixel_mask: Literal['all', 'target', 'valid'] = 'all'
    pixel_weight: Literal['equal', 'agreement'] = 'equal'
    resolution: Literal['full', 'native'] = 'full'
    chunk: AtLeastOne | None = None
    weak_strength: Annotated[float, Range(0, 0.5)] = 0.0
    detail: bool = False

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """With the values of the mode."""
        return {**MODES[given.get('mode', 'published')], **given}

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> 'BankOptions':
        """From the dict of a configuration, see :func:`mmseg.options.parse`."""
        return parse(cls, given, 'uda.instance_bank.{}'.format)

    def conflicts(self) -> list[str]:
        """A softmax has no signs."""
        if self.similarity == 'softmax' and self.gather == 'mix_logits':
            return [
                "gather: 'mix_logits' are signed, which a softmax cannot be weighed with; use 'teacher_prob', or "
                "similarity 'sum'."
            ]
        return []
