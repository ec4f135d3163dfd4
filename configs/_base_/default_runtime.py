# Logging and what a run starts from; base of every configuration.
log_config = dict(interval=50, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
log_level = 'INFO'
load_from = None  # checkpoint with initial weights
resume_from = None  # checkpoint of an interrupted run
# Carried by published configurations, without effect here.
dist_params = dict(backend='nccl')
workflow = [('train', 1)]
cudnn_benchmark = True
