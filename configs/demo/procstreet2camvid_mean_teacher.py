# A mean teacher without class mixing: the student learns the teacher's labels of strongly augmented target pictures.
# It is masked consistency with masks that hide nothing, on a method without a loss of its own.
_base_ = ['procstreet2camvid_minent.py']
uda = dict(
    lambda_ent=dict(main=0.0, aux=0.0),
    alpha=0.99,
    mask_mode='separatetrgaug',
    mask_lambda=1,
    mask_generator=dict(_delete_=True, type='block', mask_ratio=0.0, mask_block_size=32),
)
name = 'procstreet2camvid_mean-teacher_lite0_s0'
