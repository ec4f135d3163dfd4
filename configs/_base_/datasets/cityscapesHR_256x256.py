# Target only at full resolution.
_base_ = ['cityscapes_half_512x512.py']
crop_size = (256, 256)
train_pipeline = dict(img_scale=(2048, 1024), crop_size=crop_size)
test_pipeline = dict(img_scale=(2048, 1024))
data = dict(
    train=dict(pipeline=train_pipeline),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
