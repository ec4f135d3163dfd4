"""Training on labelled images alone: source only, target only (oracle)."""

from collections.abc import Callable, Iterator, Mapping

from torch import nn

from mmseg.batch import Batch
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.streams import Streams, StreamSource
from mmseg.uda.trainable import LossGroup, Trainable


class Supervised(Trainable):
    """Trains a segmentor on ``img`` and ``gt_semantic_seg``.

    Args:
        student: the network. Checkpoints have its keys without a prefix, as published.
    """

    def __init__(self, student: EncoderDecoder) -> None:
        super().__init__()
        self.network = student
        self.draws: Callable[[int, int], StreamSource] = Streams

    @property
    def student(self) -> EncoderDecoder:
        """The network."""
        return self.network

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """The supervised loss."""
        img, label = batch['img'], batch['gt_semantic_seg']
        draws = self.draws(self.seed, self.iteration)
        output = self.student.forward_train(img, label, draws=draws)
        shown = self.shown(lambda: {'img': img, 'label': label, **output.seen()})
        yield LossGroup(*output.parts(), name='source', seen=shown)

    def init_weights(self) -> None:
        """Load or draw the weights."""
        self.student.init_weights()

    def networks(self) -> Mapping[str, EncoderDecoder]:
        """The student."""
        return {'network': self.network}

    def stored(self) -> nn.Module:
        """The student itself."""
        return self.student
