"""What pyproject.toml cannot say: a wheel holds the programs and configurations that lie beside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ('run_experiments.py', 'create_buffer.py', '*.sh', 'configs/**/*', 'demo/**/*', 'tools/**/*')
LEFT_OUT = {'__pycache__', 'generated'}


class BuildWithPrograms(build_py):
    """Copies them below ``mmseg/shipped``, in their folders; ``mmseg/places.py`` finds them there."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for path in (path for pattern in SHIPPED for path in sorted(Path().glob(pattern))):
            if path.is_file() and not LEFT_OUT & set(path.parts):
                target = Path(self.build_lib, 'mmseg', 'shipped', path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


setup(cmdclass={'build_py': BuildWithPrograms})
