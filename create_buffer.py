"""tools/create_buffer.py where DIDA has it."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().with_name('tools') / 'create_buffer.py'), run_name='__main__')
