"""What scipy writes and reads of MAT files, for comparison with the reader in src/node/mat.

    python mat_reference.py fixtures OUT          the files of test/fixtures/mat, each with what scipy reads of it
    python mat_reference.py random OUT COUNT      random files, likewise
    python mat_reference.py read FILE ...         prints what scipy reads of files, as one JSON object

Needs the packages of requirements.txt. scipy writes in the byte order of the machine; files of the other order are made
of those by exchanging the bytes of every number.
"""
import json
import math
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import scipy.sparse
from scipy.io import loadmat, savemat
from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque

NAMES = {'float64': 'double', 'float32': 'single'}
NUMBERS = ['float64', 'float32', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64']


def number(value):
    """A number that JSON can hold: 64-bit integers, NaN and infinities as texts."""
    if isinstance(value, (np.int64, np.uint64)):
        return str(value)
    if isinstance(value, (np.floating, float)):
        value = float(value)
        return value if math.isfinite(value) else str(value)
    return int(value)


def plain(value, stored):
    """What scipy has read, with nothing left of numpy; None for what the reader refuses.

    `value` is read with MATLAB's classes, which loses the imaginary parts; `stored` has those.
    """
    if isinstance(value, (MatlabObject, MatlabFunction, MatlabOpaque)) or scipy.sparse.issparse(value):
        return None
    dims = list(value.shape)
    pairs = list(zip(value.flatten(order='F'), stored.flatten(order='F')))
    if value.dtype.names is not None:
        fields = {name: [plain(each[name], other[name]) for each, other in pairs] for name in value.dtype.names}
        return {'kind': 'struct', 'dims': dims, 'fields': fields}
    if value.dtype == object and pairs and all(each is None for each, _ in pairs):  # Structs without fields.
        return {'kind': 'struct', 'dims': dims, 'fields': {}}
    if value.dtype == object:
        return {'kind': 'cell', 'dims': dims, 'cells': [plain(*each) for each in pairs]}
    if value.dtype.kind == 'U':
        return {'kind': 'char', 'dims': dims, 'characters': [str(each) for each, _ in pairs]}
    kind = 'logical' if value.dtype == bool else NAMES.get(value.dtype.name, value.dtype.name)
    if np.iscomplexobj(stored):
        parts = stored.flatten(order='F')
        return {'kind': kind, 'dims': dims, 'real': [number(each) for each in parts.real], 'imaginary': [number(each) for each in parts.imag]}
    return {'kind': kind, 'dims': dims, 'real': [number(each) for each, _ in pairs]}


def read(file):
    """The variables of a file by name, or why scipy cannot read it."""
    how = {'chars_as_strings': False, 'struct_as_record': True, 'squeeze_me': False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            found, stored = loadmat(file, mat_dtype=True, **how), loadmat(file, mat_dtype=False, **how)
    except Exception as error:
        return {'error': f'{type(error).__name__}: {error}'}
    return {'variables': {name: plain(value, stored[name]) for name, value in found.items() if not name.startswith('__')}}


SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}


def swapped(data):
    """Elements of an uncompressed little-endian file with the bytes of every number exchanged."""
    out, at = b'', 0
    while at < len(data):
        (word,) = struct.unpack_from('<I', data, at)
        if word >> 16:
            kind, length, start, total = word & 0xFFFF, 4, at + 4, 8
            head = struct.pack('>I', word)
        else:
            (length,) = struct.unpack_from('<I', data, at + 4)
            kind, start, total = word, at + 8, 8 + -(-length // 8) * 8
            head = struct.pack('>II', kind, length)
        content = data[start:start + length]
        if kind == 14:
            content = swapped(content)
        else:
            size = SIZES[kind]
            whole = len(content) // size * size
            content = b''.join(content[i:i + size][::-1] for i in range(0, whole, size)) + content[whole:]
        out += head + content
        out += b'\0' * (total - (len(head) + len(content)))
        at += total
    return out


def big_endian(file, compress):
    """Rewrites a file of scipy's in the other byte order, each variable packed if so wished."""
    data = file.read_bytes()
    out = data[:124] + b'\x01\x00MI'
    at = 128
    while at < len(data):
        (length,) = struct.unpack_from('<I', data, at + 4)
        element = swapped(data[at:at + 8 + length])
        packed = zlib.compress(element)
        out += struct.pack('>II', 15, len(packed)) + packed if compress else element
        at += 8 + length
    file.write_bytes(out)


def every_kind():
    """Variables of every kind that is read."""
    numbers = {f'of_{name}': np.array([[0, 1, 2], [100, 50, 7]], name) for name in NUMBERS}
    cells = np.empty((2, 2), object)
    cells[0, 0], cells[0, 1], cells[1, 0], cells[1, 1] = 'text', np.zeros((0, 0)), np.arange(3.0), np.empty((1, 0), object)
    records = np.zeros((1, 3), [('name', object), ('size', object), ('inner', object)])
    for index in range(3):
        inner = {'deep': np.array([[index]], 'int16'), 'label': 'ABC'[: index + 1]}
        records[0, index] = ('\u00e9\u4e2d' + 'x' * index, np.array([[1.5 * index, -0.0]]), inner)
    return {
        **numbers,
        'special': np.array([[np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308]]),
        'large': np.array([[2**63 - 1, -(2**63)]], 'int64'),
        'largest': np.array([[2**64 - 1]], 'uint64'),
        'complex': np.array([[1 + 2j, -3.5j]]),
        'single_complex': np.array([[0.5 - 0.25j]], 'complex64'),
        'flags': np.array([[True, False], [False, True]]),
        'cube': np.arange(24, dtype='uint8').reshape(2, 3, 4),
        'nothing': np.zeros((0, 5)),
        'text': 'plain text',
        'empty_text': '',
        'unicode': 'Citro\u00ebn \u65e5\u672c',
        'rows': np.array(['one', 'two', 'six']),
        'cells': cells,
        'records': records,
        'one': {'a': 1.0, 'b_long_name_of_a_field': 'x'},
    }


def fixtures(out):
    for name, compress, other_order in [('plain', False, False), ('packed', True, False), ('swapped', False, True), ('swapped-packed', False, True)]:
        file = out / f'{name}.mat'
        savemat(file, every_kind(), do_compression=compress, long_field_names=True, oned_as='row')
        fix_header(file)
        if other_order:
            big_endian(file, name.endswith('packed'))
    savemat(out / 'version-4.mat', {'x': np.arange(3.0)}, format='4')
    savemat(out / 'sparse.mat', {'before': np.arange(2.0), 'x': scipy.sparse.csc_array(np.eye(3))})
    savemat(out / 'object.mat', {'before': np.arange(2.0), 'x': MatlabObject(np.array([[(1.0,)]], [('field', object)]), 'inline')})
    for name in ('sparse', 'object'):
        fix_header(out / f'{name}.mat')


def fix_header(file):
    """Puts a fixed text in place of the date, so that the same program makes the same file."""
    data = file.read_bytes()
    file.write_bytes(b'MATLAB 5.0 MAT-file, written by scipy'.ljust(124) + data[124:])


def random_value(random, depth=0):
    kind = random.integers(0, 5 if depth < 3 else 3)
    dims = tuple(int(each) for each in random.integers(0 if random.random() < 0.1 else 1, 4, random.choice([2, 2, 2, 3])))
    if kind == 0:
        name = random.choice(NUMBERS)
        if name.startswith('float'):
            values = random.normal(size=dims).astype(name) * np.array(10.0, name) ** random.integers(-20, 20)
            values = np.where(random.random(dims) < 0.05, np.array(np.nan, name), values).astype(name)
            return values + 1j * random.normal(size=dims).astype(name) if random.random() < 0.2 else values
        info = np.iinfo(name)
        return random.integers(info.min, info.max, dims, name, endpoint=True)
    if kind == 1:
        return random.random(dims) < 0.5
    if kind == 2:
        return ''.join(chr(int(random.choice([65 + random.integers(26), 233, 0x4E2D, 32]))) for _ in range(random.integers(0, 12)))
    if kind == 3:
        cells = np.empty(dims, object)
        for index in np.ndindex(dims):
            cells[index] = random_value(random, depth + 1)
        return cells
    names = [f'field_{index}_' + 'x' * int(random.integers(0, 20)) for index in range(random.integers(1, 4))]
    records = np.zeros(dims, [(name, object) for name in names])
    for index in np.ndindex(dims):
        for name in names:
            records[index][name] = random_value(random, depth + 1)
    return records


def random_files(out, count):
    for index in range(count):
        random = np.random.default_rng(index)
        file = out / f'random-{index}.mat'
        variables = {f'v{each}': random_value(random) for each in range(random.integers(1, 6))}
        compress = bool(index & 1)
        other_order = bool(index & 2)
        savemat(file, variables, do_compression=compress and not other_order, long_field_names=True, oned_as='row')
        if other_order:
            big_endian(file, compress)


def main():
    what, *rest = sys.argv[1:]
    if what == 'read':
        print(json.dumps({file: read(file) for file in rest}))
        return
    out = Path(rest[0])
    out.mkdir(parents=True, exist_ok=True)
    fixtures(out) if what == 'fixtures' else random_files(out, int(rest[1]))
    for file in sorted(out.glob('*.mat')):
        file.with_suffix('.json').write_text(json.dumps(read(file), separators=(',', ':')) + '\n')


main()
