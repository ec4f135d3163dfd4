"""Python interface: load a network, segment pictures and videos, show and write the results."""

from mmseg.toolbox.prediction.inference import inference_model, inference_scales, init_model, show_result
from mmseg.toolbox.prediction.inferencer import Inferencer, Segmentation, segment
from mmseg.toolbox.prediction.saving import ResultWriter

__all__ = [
    'Inferencer',
    'ResultWriter',
    'Segmentation',
    'inference_model',
    'inference_scales',
    'init_model',
    'segment',
    'show_result',
]
