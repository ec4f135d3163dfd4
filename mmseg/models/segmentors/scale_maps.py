"""What a multi-resolution network says of a picture at each of its scales."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmseg.models.layers import resize
from mmseg.models.segmentors.hrda import HRDAEncoderDecoder


@dataclass(frozen=True)
class ScaleMaps:
    """Predictions for a batch of pictures.

    Attributes:
        context, detail, fused: class ids, int64 (B, H, W): of the context alone, of the detail alone, of both.
        attention: trust in the detail in [0, 1], weighted by the predicted classes, float32 (B, H, W).
    """

    context: Tensor
    detail: Tensor
    fused: Tensor
    attention: Tensor


@torch.inference_mode()
def predict_scale_maps(network: HRDAEncoderDecoder, img: Tensor, size: tuple[int, int]) -> ScaleMaps:
    """Predict pictures whole or by sliding windows, as the network's ``test_cfg`` says, in one pass.

    Args:
        network: in evaluation mode.
        img: normalised pictures (B, 3, H', W').
        size: (height, width) of the result.
    """

    def stacked(window: Tensor) -> Tensor:
        scales = network.predict_scales(window)
        grid = (scales.fused.shape[2], scales.fused.shape[3])
        maps = (scales.plain_context, scales.detail, scales.fused, scales.attention_map())
        together = torch.cat([resize(one.float(), grid, network.align_corners) for one in maps], dim=1)
        return resize(together, (window.shape[2], window.shape[3]), network.align_corners)

    classes = network.num_classes
    maps = resize(network.over_windows(img, stacked), size, network.align_corners)
    context, detail, fused, attention = maps.split([classes, classes, classes, 1], dim=1)
    return ScaleMaps(context.argmax(1), detail.argmax(1), fused.argmax(1), attention[:, 0].clamp(0, 1))
