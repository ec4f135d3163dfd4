# DAFormer at half size: what HRDA has to beat.
_base_ = ['_procstreet2camvid960.py', '../_base_/uda/dacs_fdthings.py']
data = dict(
    train=dict(
        type='UDADataset',
        source={{_base_._source}},
        target={{_base_._target}},
        # Pixels at 960 x 720, as the statistics count them; the crop shows a quarter of them.
        rare_class_sampling=dict(min_pixels=1000, class_temp=0.01, min_crop_ratio=0.125),
    )
)
optimizer_config = None
name = 'procstreet2camvid960_daformer_lite0_s0'
