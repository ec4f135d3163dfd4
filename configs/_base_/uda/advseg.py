# Adversarial adaptation in output space: a discriminator tells domains apart (AdaptSegNet: Tsai et al., 2018).
_base_ = ['_masking.py']
uda = dict(
    type='AdvSeg',
    discriminator_type='LS',  # least squares; 'Vanilla': cross entropy
    lr_D=1e-4,  # the discriminator's learning rate at the start, its decay and its end
    lr_D_power=0.9,
    lr_D_min=0,
    lambda_adv_target=dict(main=0.001, aux=0.0002),  # weight of the adversarial loss (aux: auxiliary head)
    debug_img_interval=1000,
)
