# Target only on smaller crops.
_base_ = ['cityscapes_half_512x512.py']
crop_size = (256, 256)
train_pipeline = dict(crop_size=crop_size)
data = dict(train=dict(pipeline=train_pipeline))
