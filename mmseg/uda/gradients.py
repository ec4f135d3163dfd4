"""How large the gradients of a network are, for the option ``uda.print_grad_magnitude``."""

import torch
from torch import Tensor, nn

SCALE = 1024.0
"""Power of two that the loss is multiplied with and the norm divided by, so that fp16 keeps small gradients."""


def gradient_norm(loss: Tensor, network: nn.Module) -> Tensor:
    """L2 norm of the gradient of a scalar over all trained parameters of ``network``, a scalar.

    The parameters' ``grad`` stays as it is, and the graph is kept.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(SCALE * loss, parameters, retain_graph=True, materialize_grads=True)
    return torch.stack(torch._foreach_norm(gradients)).norm() / SCALE
