"""Networks that draw nothing."""

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from mmseg.models.dropout import is_dropout


def zero_dropout(module: nn.Module) -> None:
    """Set the probability of every dropout and drop path inside ``module`` to zero, for good."""
    for child in module.modules():
        if isinstance(child, _DropoutNd):
            child.p = 0.0
        elif is_dropout(child):
            setattr(child, 'drop_prob', 0.0)  # noqa: B010  timm's class has the same attribute
