# The built-in scenes with HRDA: context of 128 x 128 pixels at half resolution, detail crops of 64 x 64. Draw the
# scenes first: `python run_experiments.py --exp 0`. A small example of the network, no benchmark.
_base_ = ['builtin_daformer.py']
model = dict(
    type='HRDAEncoderDecoder',
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DAFormerHead',
        attention_embed_dim=32,
        attention_classwise=True,
        hr_loss_weight=0.1,
    ),
    scales=[1, 0.5],
    hr_crop_size=[64, 64],
    feature_scale=0.5,
    crop_coord_divisible=8,
    hr_slide_inference=True,
)
name = 'builtin_hrda_lite0_s0'
