# DAFormer with carla800 as source.
_base_ = ['_carla2camvid.py', '../_base_/uda/dacs_fdthings.py']
data = dict(
    train=dict(
        type='UDADataset',
        source={{_base_._source}},
        target={{_base_._target}},
        rare_class_sampling=dict(min_pixels=250, class_temp=0.01, min_crop_ratio=0.2),
    )
)
optimizer_config = None
name = 'carla2camvid_daformer_lite0_s0'
