# DACS + rare class sampling + distance to ImageNet features of things.
_base_ = ['_procstreet2camvid.py', '../_base_/uda/dacs_fdthings.py']
data = dict(
    train=dict(
        type='UDADataset',
        source={{_base_._source}},
        target={{_base_._target}},
        # Pixels scaled from GTA's 1914 x 1052 to 480 x 360.
        rare_class_sampling=dict(min_pixels=250, class_temp=0.01, min_crop_ratio=0.5),
    )
)
optimizer_config = None
name = 'procstreet2camvid_daformer_lite0_s0'
