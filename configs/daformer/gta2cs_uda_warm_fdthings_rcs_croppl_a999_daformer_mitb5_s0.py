# DAFormer, GTA -> Cityscapes, as in the paper (mIoU 68.3 over three seeds). Train it with
#   python run_experiments.py --config FILE
#
# A configuration is a set of top-level names. `_base_` lists files whose names are taken over; a dict given
# here is merged into the inherited one key by key. See the outcome: python tools/print_config.py FILE --resolved
_base_ = [
    '../_base_/default_runtime.py',  # logging
    '../_base_/models/daformer_sepaspp_mitb5.py',  # the network: MiT-B5 encoder, DAFormer decoder
    '../_base_/datasets/uda_gta_to_cityscapes_512x512.py',  # labelled GTA, unlabelled Cityscapes
    '../_base_/uda/dacs.py',  # the adaptation method: teacher and class mixing
    '../_base_/schedules/adamw.py',
    '../_base_/schedules/poly10warm.py',
]

# Every random decision of the run follows from this number.
seed = 0

uda = dict(
    # The teacher is a moving average of the student; 0.999 means it remembers about 1,000 iterations.
    alpha=0.999,
    # Keep the encoder's features of things close to those of ImageNet, where it has learned them.
    imnet_feature_dist_lambda=0.005,
    # traffic light, traffic sign, person, rider, car, truck, bus, train, motorcycle, bicycle
    imnet_feature_dist_classes=[6, 7, 11, 12, 13, 14, 15, 16, 17, 18],
    # ... at feature cells at least three quarters of which show the class.
    imnet_feature_dist_scale_min_ratio=0.75,
    # No pseudo-labels in the border at the top and on the ego vehicle at the bottom (rows of the crop).
    pseudo_weight_ignore_top=15,
    pseudo_weight_ignore_bottom=120,
)

data = dict(
    train=dict(
        # Show rare classes more often: draw a class (the rarer, the likelier), then an image that has it.
        rare_class_sampling=dict(
            min_pixels=3000,  # an image "has" a class from this number of pixels on
            class_temp=0.01,  # the smaller, the more the rare classes are preferred
            min_crop_ratio=0.5,  # the crop should keep at least half of min_pixels
        )
    )
)

# The method runs its own backward passes: nothing to configure around the step (published value).
optimizer_config = None
optimizer = dict(
    lr=6e-05,
    paramwise_cfg=dict(
        custom_keys=dict(
            head=dict(lr_mult=10.0),  # the decoder starts from scratch and learns faster
            pos_block=dict(decay_mult=0.0),
            norm=dict(decay_mult=0.0),  # no weight decay on normalisation layers
        )
    ),
)
n_gpus = 1  # for information only
runner = dict(type='IterBasedRunner', max_iters=40000)

# Keep the last checkpoint; measure mIoU on the validation set ten times.
checkpoint_config = dict(by_epoch=False, interval=40000, max_keep_ckpts=1)
evaluation = dict(interval=4000, metric='mIoU')

# Where the run goes: work_dirs/local-basic/<date>_<name>_<suffix>. The name_* entries are for tables only.
exp = 'basic'
name = 'gta2cs_uda_warm_fdthings_rcs_croppl_a999_daformer_mitb5_s0'
name_dataset = 'gta2cityscapes'
name_architecture = 'daformer_sepaspp_mitb5'
name_encoder = 'mitb5'
name_decoder = 'daformer_sepaspp'
name_uda = 'dacs_a999_fd_things_rcs0.01_cpl'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'

# Faster, same mathematics, other rounding: precision = 'bf16', compile = True, channels_last = True
