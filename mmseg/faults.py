"""Errors that mean a shortage of the machine, as one paragraph of what happened and what to change."""

import errno
import re

from mmseg.errors import ResourceError, UserError

RAISED = re.compile(r'^[\w.]*(?:Error|Exception): ', re.MULTILINE)
"""Start of the last line of a traceback."""

SHARED = re.compile(r'shared memory|unable to write to file </torch_|unable to open shared memory|Bus error')
GPU = re.compile(r'CUDA out of memory|CUDA error: out of memory|HIP out of memory|_ALLOC_FAILED')
HOST = re.compile(r"can't allocate memory|Cannot allocate memory|bad_alloc|Insufficient memory")

NO_SHARED = (
    'There is no room left in /dev/shm, through which loader processes hand over their batches. Give the container '
    'more (docker run --shm-size=8g, or --ipc=host), remove what others have left in /dev/shm, or load with fewer '
    'processes (data.workers_per_gpu=1; 0 needs no shared memory).'
)
NO_GPU_MEMORY = (
    'The memory of the GPU ran out. Use smaller batches (data.samples_per_gpu), smaller crops (crop_size) or numbers '
    'of 16 bits (--amp, precision="bf16"), and see with nvidia-smi whether another program holds memory; '
    'PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True helps when it is scattered.'
)
NO_HOST_MEMORY = (
    'The memory of the machine ran out. Load with fewer processes (data.workers_per_gpu), use smaller batches '
    '(data.samples_per_gpu) or smaller crops (crop_size), or give the job more memory.'
)


def described(error: Exception) -> UserError | None:
    """The error as one that a user can act on; None for a defect, which keeps its traceback."""
    text = own_words(str(error))
    if isinstance(error, UserError):
        if text != str(error):
            error.args = (text,)
        return error
    if type(error).__name__ == 'OutOfMemoryError' or GPU.search(text):
        return ResourceError(f'{NO_GPU_MEMORY} (It said: {text.splitlines()[0] if text else "nothing"})')
    if SHARED.search(text):
        return ResourceError(NO_SHARED)
    no_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM
    if isinstance(error, MemoryError) or no_memory or HOST.search(text):
        return ResourceError(NO_HOST_MEMORY)
    return None


def own_words(message: str) -> str:
    """What an error said before a loader process wrapped it in its own traceback."""
    if 'Original Traceback' not in message:
        return message
    return RAISED.split(message)[-1].strip()
