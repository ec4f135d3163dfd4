"""How large the gradients of a network are, for the option ``uda.print_grad_magnitude``."""

import torch
from torch import Tensor, nn


def collect_gradients(network: nn.Module) -> list[Tensor]:
    """Copies of the gradients of every parameter, zeros where there is none."""
    return [
        torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for p in network.parameters()
        if p.requires_grad
    ]


def gradient_norm(gradients: list[Tensor], before: list[Tensor] | None = None) -> Tensor:
    """L2 norm over all tensors of ``gradients``, or of what they gained since ``before``; a scalar."""
    gained = gradients if before is None else torch._foreach_sub(gradients, before)
    return torch.stack(torch._foreach_norm(gained)).norm()
