_base_ = ['cityscapesHR_256x256.py']
crop_size = (768, 768)
train_pipeline = dict(crop_size=crop_size)
data = dict(train=dict(pipeline=train_pipeline))
