"""Reading and writing of the fixture files.

One family is two files: NAME.json (everything a person wants to read) and NAME.bin (the bigger
arrays, raw little-endian, C order, each starting at a multiple of 8 bytes).  Inside the JSON an
array is an object with "dtype" and "shape" and either
    "data"   : the values themselves, flattened, for small arrays, or
    "offset" : where they start in NAME.bin (byte length = product(shape) * size of dtype).
Anything else in the JSON means what it says.
"""
import argparse
import json
import os

import numpy as np

INLINE_LIMIT = 64          # arrays with at most this many values go into the JSON itself
DTYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "uint8": "<u1", "uint16": "<u2"}


class Pack:
    """Collects the arrays of one family and writes the two files."""

    def __init__(self, family, out_dir, formulas, fields, tolerance, notes=()):
        self.family, self.out_dir = family, out_dir
        self.head = {"family": family, "format": 1, "binary": family + ".bin", "byteOrder": "little",
                     "formulas": formulas, "fields": fields, "tolerance": tolerance, "notes": list(notes)}
        self.chunks, self.size = [], 0

    def array(self, values, dtype="float32", inline=None):
        """Registers an array, returns the object that stands for it in the JSON."""
        a = np.ascontiguousarray(np.asarray(values), dtype=DTYPES[dtype])
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            raise ValueError("non-finite value in " + self.family)
        ref = {"dtype": dtype, "shape": list(np.shape(values))}
        if inline is None:
            inline = a.size <= INLINE_LIMIT
        if inline:
            # repr of a float32 widened to float64 is longer than needed; str() of the float32 is exact.
            ref["data"] = [float(str(v)) if a.dtype.kind == "f" else int(v) for v in a.ravel()]
            return ref
        ref["offset"] = self.size
        raw = a.tobytes()
        raw += b"\0" * (-len(raw) % 8)
        self.chunks.append(raw)
        self.size += len(raw)
        return ref

    def save(self, **body):
        os.makedirs(self.out_dir, exist_ok=True)
        with open(os.path.join(self.out_dir, self.family + ".bin"), "wb") as f:
            f.write(b"".join(self.chunks))
        path = os.path.join(self.out_dir, self.family + ".json")
        with open(path, "w") as f:
            json.dump({**self.head, **body}, f, indent=1, allow_nan=False)
            f.write("\n")
        _compact(path)
        print(self.family, "json", os.path.getsize(path), "bin", self.size)


def _compact(path):
    """indent=1 puts every number of an inline array on a line of its own; join those lines again."""
    import re
    text = open(path).read()
    text = re.sub(r"\[\s+((?:-?[\d.eE+-]+,\s+)*-?[\d.eE+-]+)\s+\]",
                  lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    open(path, "w").write(text)


def load(path):
    """The fixture with every array object replaced by a numpy array (used by checks)."""
    doc = json.load(open(path))
    raw = open(os.path.join(os.path.dirname(path), doc["binary"]), "rb").read()

    def walk(v):
        if isinstance(v, dict):
            if "shape" in v and ("data" in v or "offset" in v):
                dt = np.dtype(DTYPES[v["dtype"]])
                if "data" in v:
                    return np.array(v["data"], dt).reshape(v["shape"])
                n = int(np.prod(v["shape"], dtype=np.int64))
                return np.frombuffer(raw, dt, n, v["offset"]).reshape(v["shape"])
            return {k: walk(x) for k, x in v.items()}
        return [walk(x) for x in v] if isinstance(v, list) else v

    return walk(doc)


def arguments(family):
    """--config FILE --out DIR, shared by all generators; returns (config, out)."""
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser()
    p.add_argument("--config", default=os.path.join(here, "configs", family + ".json"))
    p.add_argument("--out", default=here)
    a = p.parse_args()
    return json.load(open(a.config)), a.out
