"""Writes every family again, into a folder of its own, and says how far the numbers are from those that are stored.

python check.py        exits with 1 where an array differs by more than 1e-12 of its largest value, or anything else differs
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

from goldenio import load

FAMILIES = ["causal_metrics", "cbam", "lime", "losses", "resize", "rise_masks"]
LIMIT = 1e-12


def difference(a, b, path):
    """The largest difference below a place, as a share of the largest value of its array; infinite where the kind differs."""
    if isinstance(a, np.ndarray) or isinstance(a, float):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a.shape != b.shape:
            print("other shape:", path, a.shape, b.shape)
            return np.inf
        return float(np.max(np.abs(a - b), initial=0) / max(np.max(np.abs(a), initial=0), 1e-300))
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max((difference(a[k], b[k], f"{path}.{k}") for k in a), default=0)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return max((difference(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b))), default=0)
    if a == b:
        return 0
    print("other value:", path, a, b)
    return np.inf


here = os.path.dirname(os.path.abspath(__file__))
worst = 0
with tempfile.TemporaryDirectory() as folder:
    for family in FAMILIES:
        subprocess.run([sys.executable, os.path.join(here, f"generate_{family}.py"), "--out", folder], check=True, stdout=subprocess.DEVNULL)
        found = difference(load(os.path.join(here, "..", f"{family}.json")), load(os.path.join(folder, f"{family}.json")), family)
        print(f"{family}: {found:.1e}")
        worst = max(worst, found)
sys.exit(worst > LIMIT)
