# Self-training with a mean teacher and class mixing (DACS).
uda = dict(
    type='DACS',
    alpha=0.99,  # momentum of the teacher
    pseudo_threshold=0.968,  # a pseudo-label counts as sure from this probability on
    pseudo_weight_ignore_top=0,  # rows of the crop without pseudo-labels
    pseudo_weight_ignore_bottom=0,
    imnet_feature_dist_lambda=0,  # weight of the distance to ImageNet features, 0 = off
    imnet_feature_dist_classes=None,
    imnet_feature_dist_scale_min_ratio=None,
    mix='class',
    blur=True,
    color_jitter_strength=0.2,
    color_jitter_probability=0.2,  # as published: the probability of NOT jittering
    debug_img_interval=1000,
    print_grad_magnitude=False,
    source_only=False,  # no teacher, no target images: supervised training (with masking, if that is on)
    mask_mode=None,  # masked image consistency (MIC): which images are masked, e.g. 'separatetrgaug'; None = off
    mask_alpha='same',  # momentum of the teacher that labels for it; 'same' = the teacher above
    mask_pseudo_threshold='same',
    mask_lambda=0,  # weight of the masked loss; published: 1 wherever masking is on
    # dict(_delete_=True, type='block', mask_ratio=0.7, mask_block_size=64), or type='token'
    mask_generator=None,
)
use_ddp_wrapper = True  # carried by published configurations, without effect here
