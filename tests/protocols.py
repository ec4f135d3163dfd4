"""Whether objects have what a protocol names; what signatures say is mypy's business."""

from typing import Any


def lacking(value: Any, *protocols: type) -> list[str]:
    """Members of the protocols that a value does not have."""
    names = {
        name
        for protocol in protocols
        for kind in protocol.__mro__
        if getattr(kind, '_is_protocol', False)
        for name in (*vars(kind), *getattr(kind, '__annotations__', ()))
        if not name.startswith('_') or name in ('__len__', '__getitem__')
    }
    return sorted(name for name in names if not hasattr(value, name))
