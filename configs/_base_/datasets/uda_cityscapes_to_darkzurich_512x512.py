img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
crop_size = (512, 512)
cityscapes_train_pipeline = dict(
    type='TrainPipeline', img_scale=(1024, 512), crop_size=crop_size, cat_max_ratio=0.75
)
dark_zurich_train_pipeline = dict(
    type='TrainPipeline', img_scale=(960, 540), crop_size=crop_size, labels=False
)
test_pipeline = dict(type='TestPipeline', img_scale=(960, 540))
_val = dict(
    type='DarkZurichDataset',
    data_root='data/dark_zurich/',
    img_dir='rgb_anon/val',
    ann_dir='gt/val',
    pipeline=test_pipeline,
)
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=4,
    train=dict(
        type='UDADataset',
        source=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline=cityscapes_train_pipeline,
        ),
        target=dict(
            type='DarkZurichDataset',
            data_root='data/dark_zurich/',
            img_dir='rgb_anon/train/night/',
            ann_dir='gt/train/night/',
            pipeline=dark_zurich_train_pipeline,
        ),
    ),
    val=_val,
    test=_val,
)
