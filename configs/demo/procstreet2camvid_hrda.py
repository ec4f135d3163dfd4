# HRDA with DAFormer's encoder and number of iterations: the crop of 256 x 320 is seen as a whole at half resolution
# and as a detail of a quarter of its area at full resolution.
_base_ = ['procstreet2camvid_daformer.py']
model = dict(
    type='HRDAEncoderDecoder',
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DAFormerHead',
        attention_embed_dim=64,
        attention_classwise=True,
        hr_loss_weight=0.1,
    ),
    scales=[1, 0.5],
    hr_crop_size=[128, 160],
    feature_scale=0.5,
    # The decoder starts at stride 8: 8, times the factor 2 between the resolutions.
    crop_coord_divisible=16,
    hr_slide_inference=True,
    # Testing: windows of the size of the training crop.
    test_cfg=dict(mode='slide', batched_slide=True, stride=[128, 160], crop_size=[256, 320]),
)
name = 'procstreet2camvid_hrda_lite0_s0'
