"""Python interface: load a network, segment a picture, show the result."""

from mmseg.apis.inference import inference_model, inference_scales, init_model, show_result

__all__ = ['inference_model', 'inference_scales', 'init_model', 'show_result']
