# HRDA, GTA -> Cityscapes at full resolution, as in the paper (mIoU 73.8 over three seeds). Train it with
#   python run_experiments.py --config configs/hrda/gtaHR2csHR_hrda.py
#
# HRDA looks at a large context crop at half resolution and at a small detail crop at full resolution, and learns
# where to trust which of the two. Everything else is DAFormer, see configs/daformer/.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_sepaspp_mitb5.py',  # the network for each of the two resolutions
    '../_base_/datasets/uda_gtaHR_to_cityscapesHR_1024x1024.py',
    '../_base_/uda/dacs_a999_fdthings.py',
    '../_base_/schedules/adamw.py',
    '../_base_/schedules/poly10warm.py',
]
seed = 1

model = dict(
    type='HRDAEncoderDecoder',
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DAFormerHead',  # the decoder of each resolution
        attention_classwise=True,  # one map of trust a class
        hr_loss_weight=0.1,  # the detail crop alone must be right, too
    ),
    scales=[1, 0.5],  # detail crop at full, context crop at half resolution
    hr_crop_size=[512, 512],  # detail crop: half the side of the context crop
    feature_scale=0.5,  # the feature distance looks at the context crop
    crop_coord_divisible=8,  # stride 4 of the output, times the factor 2 between the resolutions
    hr_slide_inference=True,  # pseudo-labels: overlapping detail crops cover the image
    # Testing: windows of the size of the training crop.
    test_cfg=dict(mode='slide', batched_slide=True, stride=[512, 512], crop_size=[1024, 1024]),
)

data = dict(
    train=dict(
        # An object has four times as many pixels as at half resolution: 2.0 instead of DAFormer's 0.5.
        rare_class_sampling=dict(min_pixels=3000, class_temp=0.01, min_crop_ratio=2.0),
        # No pseudo-labels near the border of the image: top, bottom, left, right in pixels, before cropping.
        target=dict(crop_pseudo_margins=[30, 240, 30, 30]),
    ),
    workers_per_gpu=1,
)

optimizer_config = None
optimizer = dict(
    lr=6e-05,
    paramwise_cfg=dict(
        custom_keys=dict(
            head=dict(lr_mult=10.0),
            pos_block=dict(decay_mult=0.0),
            norm=dict(decay_mult=0.0),
        )
    ),
)
n_gpus = 1
gpu_model = 'NVIDIATITANRTX'
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=40000, max_keep_ckpts=1)
evaluation = dict(interval=4000, metric='mIoU')

name = 'gtaHR2csHR_hrda_s1'
exp = 'basic'
name_dataset = 'gtaHR2cityscapesHR_1024x1024'
name_architecture = 'hrda1-512-0.1_daformer_sepaspp_sl_mitb5'
name_encoder = 'mitb5'
name_decoder = 'hrda1-512-0.1_daformer_sepaspp_sl'
name_uda = 'dacs_a999_fdthings_rcs0.01-2.0_cpl2'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
