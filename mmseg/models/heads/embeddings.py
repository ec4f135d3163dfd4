"""Per-position layers that heads put on feature levels."""

from torch import Tensor, nn

from mmseg.models.layers import map_of, tokens_of


class LinearEmbedding(nn.Module):
    """Linear layer on every position; (B, in, h, w) -> (B, out, h, w)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        # The depthwise convolutions that follow are far slower on channels-last maps in float32.
        return map_of(self.proj(tokens_of(x)), x.shape[2], x.shape[3]).contiguous()
