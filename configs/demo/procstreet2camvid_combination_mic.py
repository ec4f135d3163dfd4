# The combination with masked image consistency on top; blocks of an eighth of the crop.
_base_ = ['procstreet2camvid_combination.py']
uda = dict(
    mask_mode='separatetrgaug',
    mask_lambda=1,
    mask_generator=dict(_delete_=True, type='block', mask_ratio=0.5, mask_block_size=32),
)
name = 'procstreet2camvid_combination-mic_lite0_s0'
