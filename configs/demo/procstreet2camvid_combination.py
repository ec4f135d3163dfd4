# DAFormer with what was measured to pay (docs/results.md, 'Screening'): source pictures in the colours
# of target pictures; pseudo-labels averaged over mirror images, corrected by the class shares of the source, and used
# only where the teacher is sure, by a threshold for each class.
_base_ = ['procstreet2camvid_daformer.py']
data = dict(
    train=dict(
        source=dict(
            pipeline=dict(
                colour_transfer=dict(
                    img_dir='data/camvid/leftImg8bit/train', img_suffix='_leftImg8bit.jpg', prob=0.5
                )
            )
        )
    )
)
uda = dict(
    pseudo_flip=True,
    pseudo_weight='class',
    class_prior=dict(
        strength=1.0,
        # Percent of ProcStreet's pixels, classes merged.
        shares={
            0: 34.98, 1: 3.43, 2: 21.50, 4: 0.47, 5: 1.00, 7: 0.42, 8: 5.54, 10: 22.84, 11: 0.61, 13: 8.87, 18: 0.33,
        },
    ),
)  # fmt: skip
name = 'procstreet2camvid_combination_lite0_s0'
