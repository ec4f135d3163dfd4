"""The command ``mmseg-uda``: outside of the package, so that it can tell why the package cannot be used."""

import sys
from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    """Run a program of ours, unless another distribution owns the package's name, too."""
    try:
        other = version('mmsegmentation')
    except PackageNotFoundError:
        from mmseg.programs import main as run

        run()
    sys.exit(
        f'mmsegmentation {other} is installed here; its package is called mmseg, too, so that the files of both lie '
        'in one folder and neither works. Install mmseg-uda into an environment of its own (python -m venv NEW), or '
        'remove both (pip uninstall mmsegmentation mmseg-uda) and install mmseg-uda again: it reads the checkpoints '
        'of mmsegmentation.'
    )


if __name__ == '__main__':
    main()
