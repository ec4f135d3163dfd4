# DIDA, GTA -> Cityscapes, as published (mIoU 71.03). Train it with
#   python run_experiments.py --config configs/dida/gta2cs_dida.py
#
# DIDA is DAFormer plus one loss: a pixel of the mixed image (student) and of the target image (teacher) should be
# similar to the same rows of a bank of labelled source features. What every key means: docs/dida.md.
_base_ = ['../daformer/gta2cs_uda_warm_fdthings_rcs_croppl_a999_daformer_mitb5_s0.py']
seed = 0

uda = dict(
    instance_bank=dict(
        # 'published' computes what the released program computes; 'clean' what the paper says, see *_clean.py.
        mode='published',
        bank_size=300,
        # The published runs start from a bank that came with the program, the folder
        # 'embedding_cache/balanced avg cache 300'.
        # Without a file the bank fills itself from the first source images, then the loss switches on.
        bank_file=None,
        update_interval=50,  # every 50 iterations ...
        momentum=0.999,  # ... all rows of a class move a thousandth of the way to its mean in the source batch
        loss_weight=0.5,
    )
)

# A checkpoint and a score every 2,000 iterations, as published.
checkpoint_config = dict(by_epoch=False, interval=2000, max_keep_ckpts=20)
evaluation = dict(interval=2000, metric='mIoU')

exp = 'dida'
name = 'gta2cs_dida_daformer_mitb5_s0'
name_uda = 'dida_a999_fd_things_rcs0.01_cpl'
