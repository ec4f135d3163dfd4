"""Python interface: load a network, segment pictures and videos, show and write the results."""

from mmseg.apis.inference import inference_model, inference_scales, init_model, show_result
from mmseg.apis.inferencer import Inferencer, Segmentation, segment
from mmseg.apis.saving import ResultWriter

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
