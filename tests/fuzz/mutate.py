"""Damage, drawn by a random stream: to bytes, to PNG files whose check sums still fit, to JSON, to Python literals."""

import ast
import contextlib
import copy
import io
import json
import random
import struct
import zipfile
import zlib
from typing import Any

from mmseg.fileio import PNG_SIGNATURE

STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 2, 7, 10**9, 2**63, -(2**70), 0.5, -0.0, 1e308, float('inf'), float('nan'), '', 'a',
    '..', '/', '1', 'inf', 'mIoU', 'ä\x00', 'x' * 5000, [], [[]], [1, 2], [None], ['a', 1], [[1, 2], [3]], {},
    {'type': []}, {'type': 'ReLU'}, {'a': {}}, {'type': 'no such'},
]  # fmt: skip
"""Values that stand where they are not expected."""
WORDS = [
    b'\x00',
    b'\xff' * 4,
    b'\x7f\xff\xff\xff',
    b'\x00' * 8,
    b'{',
    b'}',
    b'1e999',
    b'"',
    b'\n',
    b'..',
    b'\x80\x02',
]
SYMBOLS = '\'"0123456789[](){},=. abc_\n#-'
"""Characters put into Python texts: enough to break them, too few to do harm."""


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """One to four changes: bytes flipped, cut out, put in, doubled, or the end cut off."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        length = rng.choice([1, 1, 2, 4, 16, 256])
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = rng.choice(WORDS)
        elif kind == 3:
            data[at : at + length] = rng.randbytes(length)
        elif kind == 4:
            data[at:at] = data[at : at + length]
        elif rng.random() < 0.3:
            del data[at:]
    return bytes(data)


def damaged_png(content: bytes, rng: random.Random) -> bytes:
    """Changed chunks with check sums that fit; header fields, palettes, pixel data after unpacking."""
    chunks = _chunks(content)
    for _ in range(rng.randint(1, 3)):
        number = rng.randrange(len(chunks))
        name, body = chunks[number]
        kind = rng.randrange(5)
        if kind == 0:
            del chunks[number]
        elif kind == 1:
            chunks.insert(rng.randrange(len(chunks)), (name, body))
        elif kind == 2 and name == b'IDAT':
            with contextlib.suppress(zlib.error):  # damaged by an earlier change
                chunks[number] = (
                    name,
                    zlib.compress(damaged_bytes(zlib.decompressobj().decompress(body), rng)),
                )
        elif kind == 3 and name == b'IHDR' and len(body) == 13:
            width, height, *rest = struct.unpack('>IIBBBBB', body)
            sizes = [0, 1, 3, width, height, 40000, 2**31 - 1]
            rest[0], rest[1] = rng.choice([1, 2, 4, 8, 16, rest[0]]), rng.choice([0, 2, 3, 4, 6, rest[1]])
            chunks[number] = (name, struct.pack('>IIBBBBB', rng.choice(sizes), rng.choice(sizes), *rest))
        elif body:
            chunks[number] = (name, damaged_bytes(body, rng))
        if not chunks:
            break
    parts = [
        struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))
        for name, body in chunks
    ]
    return PNG_SIGNATURE + b''.join(parts)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], len(PNG_SIGNATURE)
    while at < len(content):
        length = struct.unpack_from('>I', content, at)[0]
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def damaged_zip(content: bytes, rng: random.Random) -> bytes:
    """An archive with the same members of which one is changed, so that its check sums fit."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    chosen = rng.randrange(len(members))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for number, (name, body) in enumerate(members):
            archive.writestr(name, damaged_bytes(body, rng) if number == chosen else body)
    return stream.getvalue()


def damaged_tree(value: Any, rng: random.Random) -> Any:
    """One to three changes of a value of dicts and lists: replaced by a strange one, removed, doubled, renamed."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return rng.choice(STRANGE)
        holder, key = rng.choice(places)
        kind = rng.randrange(8)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif kind == 2:
            holder[key] = [holder[key]]
        elif kind == 3 and isinstance(holder, dict):
            holder[f'{key}{rng.choice("axs_0")}'] = holder.pop(key)
        elif kind == 4:
            holder[key] = str(holder[key])
        else:
            holder[key] = copy.deepcopy(rng.choice(STRANGE))
    return value


def _places(value: Any) -> Any:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


def damaged_json(content: bytes, rng: random.Random) -> bytes:
    """A changed tree, at times changed as text, too."""
    text = json.dumps(damaged_tree(json.loads(content), rng)).replace(
        'Infinity', rng.choice(['Infinity', '1e999'])
    )
    return damaged_bytes(text.encode(), rng) if rng.random() < 0.2 else text.encode()


def damaged_python(content: bytes, rng: random.Random) -> bytes:
    """A configuration of assigned literals with changed literals or with single characters changed."""
    tree = ast.parse(content)
    names = {
        node.targets[0].id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)
    }
    changed = damaged_tree(names, rng)
    text = ''.join(f'{name} = {value!r}\n' for name, value in changed.items())
    text = text.replace('= inf', "= float('inf')").replace(': inf', ": float('inf')")
    for _ in range(rng.choice([0, 0, 0, 1, 3])):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(SYMBOLS) + text[at + rng.randint(0, 2) :]
    return text.encode(errors='surrogatepass')
