# No warm-up. As published, the floor lies above AdamW's base rate 6e-5, so the encoder's rate rises to it.
lr_config = dict(policy='poly', power=1.0, min_lr=1e-4, by_epoch=False)
