# The same with an adapter (ViT-Adapter) in the place of the pyramid.
_base_ = ['gtaHR2csHR_dinov2_l.py']
model = dict(backbone=dict(adapter=dict()))
name = 'gtaHR2csHR_dinov2_l_adapter_s0'
