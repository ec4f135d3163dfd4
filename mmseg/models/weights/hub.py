"""Weight files of the Hugging Face hub, pinned: a name alone would mean other weights tomorrow."""

import re
from pathlib import Path

from mmseg.errors import CheckpointError
from mmseg.fileio import sha256_of

HUB_PREFIX = 'hf-hub:'
FORM = f'{HUB_PREFIX}OWNER/NAME@COMMIT#SHA256 or {HUB_PREFIX}OWNER/NAME@COMMIT/FILE#SHA256'
DEFAULT_FILE = 'model.safetensors'
_PINNED = re.compile(
    r'(?P<repo>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})(?:/(?P<file>\w[\w.-]*(?:/\w[\w.-]*)*))?#(?P<hash>[0-9a-f]{64})'
)


def resolve_hub(source: str, folder: Path) -> Path:
    """The local file of a pinned file of the hub.

    It is looked for as ``NAME`` with the ending of the file in ``folder``, then in the cache of the hub's library, then
    downloaded by that library, which also knows about tokens, mirrors (``HF_ENDPOINT``) and being offline.

    Args:
        source: :data:`FORM`; without a file it is :data:`DEFAULT_FILE`.
        folder: where files are put by hand.

    Raises:
        CheckpointError: it is not pinned, cannot be had, or has other content.
    """
    found = _PINNED.fullmatch(source.removeprefix(HUB_PREFIX))
    if found is None:
        raise CheckpointError(
            f"pretrained is '{source}'; expected {FORM}: the full commit (40 hexadecimal digits) and the sha256 of the "
            "file (64), as the page of the repository shows them below 'Files and versions', so that a run always "
            "means the same weights. Or download the file yourself and set 'pretrained' to its path."
        )
    name = found['file'] or DEFAULT_FILE
    kept = folder / f'{found["repo"].partition("/")[2]}{Path(name).suffix}'
    path = kept if kept.is_file() else _download(found['repo'], name, found['commit'], kept)
    digest = sha256_of(path)
    if digest != found['hash']:
        raise CheckpointError(
            f'{path} has the sha256 {digest}, but pretrained pins {found["hash"]}. Delete it and start again, which '
            'downloads it, or correct the pin if you trust the file.'
        )
    return path


def _download(repo: str, name: str, commit: str, kept: Path) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repo, name, revision=commit))
    except (
        Exception
    ) as error:  # the library raises dozens of kinds: offline, gated, not found, not authorised ...
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"The weights {name} of '{repo}' (commit {commit[:8]}) are neither at {kept} nor in the cache of the hub, "
            f'and downloading them failed ({type(error).__name__}: {reason}). On a machine with network access run '
            f"'hf download {repo} {name} --revision {commit}', and copy the file to {kept}; a repository that asks for "
            "consent needs 'hf auth login' first. --cfg-options model.pretrained=None trains from scratch."
        ) from error
