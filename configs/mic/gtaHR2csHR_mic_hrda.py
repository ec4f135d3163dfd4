# MIC(HRDA), GTA -> Cityscapes at full resolution, as in the paper (mIoU 75.9 over three seeds). Train it with
#   python run_experiments.py --config configs/mic/gtaHR2csHR_mic_hrda.py
#
# Masked image consistency: blocks of a target image are hidden, and the student must label the whole image as the
# teacher does that sees all of it; so it learns to use context. Everything else is HRDA.
_base_ = ['../hrda/gtaHR2csHR_hrda.py']
seed = 2

uda = dict(
    # Which images are masked, in a pass of their own: 'separatetrgaug' = target images with strong colour
    # augmentation; further values: mmseg/uda/masking.py.
    mask_mode='separatetrgaug',
    mask_alpha='same',  # the teacher is the one of self-training; a number: a teacher of its own
    mask_pseudo_threshold='same',
    mask_lambda=1,  # weight of the masked loss
    mask_generator=dict(
        _delete_=True,  # replace what the base file says (None), do not merge with it
        type='block',
        mask_ratio=0.7,  # probability that a block is hidden
        mask_block_size=64,  # pixels; at half resolution use 32
    ),
)

name = 'gtaHR2csHR_mic_hrda_s2'
name_uda = 'dacs_a999_fdthings_rcs0.01-2.0_cpl2_m64-0.7-spta'
