# DIDA, GTA -> Cityscapes, repaired: what the method says instead of what the program does. Train it with
#   python run_experiments.py --config configs/dida/gta2cs_dida_clean.py
#
# The values below are those of mode='clean', written out to be read; docs/dida.md compares the modes.
_base_ = ['gta2cs_dida.py']

uda = dict(
    instance_bank=dict(
        _delete_=True,
        mode='clean',
        bank_size=300,
        # The bank follows the encoder: each iteration replaces the oldest rows of the classes it shows,
        update='ring',
        update_interval=1,
        # by means over an image's own pixels; the rows of other classes keep their values.
        positions='image',
        # Cosine similarities, sharpened into a distribution over the bank.
        similarity='softmax',
        normalise=True,
        temp_weak=0.1,
        temp_strong=0.1,
        # The teacher's probabilities of the classes weigh its similarities to their rows.
        gather='teacher_prob',
        # Only pixels of the target image count, and only where its pseudo-labels do.
        pixel_mask='valid',
        # The teacher sees a slightly jittered image.
        weak_strength=0.1,
        loss_weight=0.5,
    )
)

name = 'gta2cs_dida_clean_daformer_mitb5_s0'
