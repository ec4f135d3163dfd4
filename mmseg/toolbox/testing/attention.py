"""What a test run shows of a multi-resolution network: attention pictures, panels.

Source: docs/methods/hrda.md#showing-one-scale.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmseg.engine.evaluate import PredictedPicture
from mmseg.fileio import read_image
from mmseg.models.segmentors import HRDAEncoderDecoder
from mmseg.models.segmentors.scale_maps import predict_scale_maps
from mmseg.toolbox.reports.charts import save_figure
from mmseg.toolbox.reports.scales import ScalePanel, scale_figure
from mmseg.toolbox.testing.outputs import Output, picture_path
from mmseg.visualization.palette import Palette


class AttentionNetwork:
    """An HRDA network whose 'class maps' are its attention in grey levels 0..255.

    Args:
        network: built with ``decode_head.debug_output_attention``.
    """

    def __init__(self, network: HRDAEncoderDecoder) -> None:
        self.network = network

    def parameters(self) -> Iterator[nn.Parameter]:
        """Those of the network."""
        return self.network.parameters()

    def eval(self) -> 'AttentionNetwork':
        """Switch to evaluation mode."""
        self.network.eval()
        return self

    def simple_test(self, img: Tensor, metas: Sequence[Mapping[str, Any]]) -> list[NDArray[np.int64]]:
        """Grey levels (H, W) of a batch (B, 3, h, w) at the size of the original pictures."""
        height, width = metas[0]['ori_shape'][:2]
        with torch.inference_mode():
            maps = self.network.predict_logits(img, (height, width))[:, 0]
            return list((maps * 255).round().clamp(0, 255).long().cpu().numpy())

    def aug_test(
        self, imgs: Sequence[Tensor], metas: Sequence[Sequence[Mapping[str, Any]]]
    ) -> list[NDArray[np.int64]]:
        """Attention is shown of the picture as it is, which comes first."""
        return self.simple_test(imgs[0], metas[0])


class ScalePanels(Output):
    """Writes a panel for each picture: both scales, attention, fused prediction and, if it was read, the truth.

    Args:
        folder: where to; the pictures' relative folders are kept.
        network: in evaluation mode.
        palette: RGB colours by class id.
    """

    threaded: ClassVar[bool] = False  # asks the network

    def __init__(self, folder: Path, network: HRDAEncoderDecoder, palette: Palette) -> None:
        self.folder = folder
        self.network = network
        self.palette = palette

    def add(self, prediction: PredictedPicture) -> None:
        """Write one panel."""
        path = picture_path(self.folder, prediction).with_suffix('.png')
        figure = scale_figure([self._panel(prediction)], self.palette)
        save_figure(figure, path, dpi=130)

    def _panel(self, prediction: PredictedPicture) -> ScalePanel:
        device = next(self.network.parameters()).device
        maps = scale_maps(self.network, prediction.image[None].to(device), prediction.label_map.shape)
        name = prediction.meta['filename']
        picture = np.ascontiguousarray(read_image(name)[..., ::-1])
        return ScalePanel(Path(name).stem, picture, **maps, truth=prediction.truth)


def scale_maps(network: HRDAEncoderDecoder, img: Tensor, size: Sequence[int]) -> dict[str, NDArray[Any]]:
    """'context', 'detail', 'fused' and 'attention' of one picture (1, 3, h, w) as arrays (H, W), see
    :class:`mmseg.models.segmentors.scale_maps.ScaleMaps`.
    """
    maps = predict_scale_maps(network, img, (size[0], size[1]))
    return {name: values[0].cpu().numpy() for name, values in vars(maps).items()}
