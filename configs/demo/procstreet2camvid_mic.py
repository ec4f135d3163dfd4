# DAFormer with masked image consistency; blocks of an eighth of the crop.
_base_ = ['procstreet2camvid_daformer.py']
uda = dict(
    mask_mode='separatetrgaug',
    mask_lambda=1,
    mask_generator=dict(_delete_=True, type='block', mask_ratio=0.5, mask_block_size=32),
)
name = 'procstreet2camvid_mic_lite0_s0'
