# uda_synthia_to_cityscapes_512x512 at twice the resolution.
_base_ = ['uda_synthia_to_cityscapes_512x512.py']
crop_size = (1024, 1024)
synthia_train_pipeline = dict(img_scale=(2560, 1520), crop_size=crop_size)
cityscapes_train_pipeline = dict(img_scale=(2048, 1024), crop_size=crop_size)
test_pipeline = dict(img_scale=(2048, 1024))
data = dict(
    train=dict(source=dict(pipeline=synthia_train_pipeline), target=dict(pipeline=cityscapes_train_pipeline)),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
