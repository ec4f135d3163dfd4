"""Leave with an error unless every GPU that CUDA_VISIBLE_DEVICES names is there."""

import os
import sys

import torch

wanted = os.environ['CUDA_VISIBLE_DEVICES'].split(',')
found = torch.cuda.device_count()
if found < len(wanted):
    sys.exit(
        f'GPU {",".join(wanted)}: found {found} of {len(wanted)}, so nothing was started. GPUs are counted from 0, '
        'nvidia-smi lists them; cpu in place of the number trains without one.'
    )
