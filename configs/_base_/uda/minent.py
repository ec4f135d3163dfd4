# Entropy minimisation: predictions on target images are pushed towards certainty (Vu et al., 2019).
_base_ = ['_masking.py']
uda = dict(
    type='MinEnt',
    lambda_ent=dict(main=0.001, aux=0.0002),  # weight of the entropy (aux: of an auxiliary head)
    debug_img_interval=1000,
)
