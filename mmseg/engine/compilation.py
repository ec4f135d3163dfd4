"""Compilation of networks by ``torch.compile`` (https://docs.pytorch.org/docs/stable/generated/torch.compile.html)."""

import torch

from mmseg.models.student import Student

SHAPES = 32
"""Variants of one encoder or head: networks, shapes, with and without gradient, training or not. Masked consistency on
HRDA with a teacher of its own needs eleven in training and four in evaluation. torch's own limit is 8, from where on
it runs what is new uncompiled without a word that anybody sees. Pictures of more sizes than this are not worth it."""


def compile_network(network: Student) -> None:
    """Compile encoder and decoder, each for every shape that it meets.

    A step meets few shapes: crops, and for HRDA what the teacher sees. Code for variable ones, which torch would make
    from the second on, is slower for all.

    State-dict keys stay as they are. What changes is rounding.
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, SHAPES)
    network.backbone.compile(dynamic=False)
    head = network.decode_head
    # Training does not go through the head's __call__.
    head.embed = torch.compile(head.embed, dynamic=False)  # type: ignore[method-assign]
