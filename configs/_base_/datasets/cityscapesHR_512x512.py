_base_ = ['cityscapesHR_256x256.py']
crop_size = (512, 512)
train_pipeline = dict(crop_size=crop_size)
data = dict(train=dict(pipeline=train_pipeline))
