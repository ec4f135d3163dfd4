# Adapted to unlabelled photographs with DAFormer's three parts: self-training with class mixing, rare class sampling,
# distance to ImageNet features of things.
_base_ = ['_builtin.py', '../_base_/uda/dacs_fdthings.py']
data = dict(
    train=dict(
        type='UDADataset',
        source={{_base_._source}},
        target={{_base_._target}},
        # GTA's 3000 pixels, scaled from 1280 x 720 to 256 x 128.
        rare_class_sampling=dict(min_pixels=100, class_temp=0.01, min_crop_ratio=0.5),
    )
)
optimizer_config = None
name = 'builtin_daformer_s0'
