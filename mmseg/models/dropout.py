"""Dropout and stochastic depth: one place to find and silence them."""

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd


class DropPath(nn.Module):
    """Stochastic depth: drop the residual branch of whole samples (docs/methods/encoders.md#mit-structure).

    Args:
        drop_prob: probability in [0, 1) that a sample's branch is set to zero; kept branches are scaled by
            ``1 / (1 - drop_prob)``. Active in training mode only.
    """

    def __init__(self, drop_prob: float = 0.0) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """``x`` is (B, ...); the result has the same shape."""
        if not self.training or self.drop_prob == 0.0:
            return x
        keep = 1.0 - self.drop_prob
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep).div_(keep)
        return x * mask

    def extra_repr(self) -> str:
        return f'drop_prob={self.drop_prob}'


def is_dropout(module: nn.Module) -> bool:
    """Whether a module is a dropout of any dimension or a drop path, timm's included."""
    return isinstance(module, (_DropoutNd, DropPath)) or type(module).__name__ == 'DropPath'


def set_dropout(module: nn.Module, active: bool) -> None:
    """Put every dropout and drop path inside ``module`` into training mode (``active``) or evaluation mode.

    Other layers keep their mode: the teacher's batch norms stay in training mode
    (docs/methods/self-training.md#one-iteration, step 5).
    """
    for child in module.modules():
        if is_dropout(child):
            child.train(active)
