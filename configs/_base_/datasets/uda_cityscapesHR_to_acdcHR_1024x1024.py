# uda_cityscapes_to_acdc_512x512 at twice the resolution.
_base_ = ['uda_cityscapes_to_acdc_512x512.py']
crop_size = (1024, 1024)
cityscapes_train_pipeline = dict(img_scale=(2048, 1024), crop_size=crop_size)
acdc_train_pipeline = dict(img_scale=(1920, 1080), crop_size=crop_size)
test_pipeline = dict(img_scale=(1920, 1080))
data = dict(
    train=dict(source=dict(pipeline=cityscapes_train_pipeline), target=dict(pipeline=acdc_train_pipeline)),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
