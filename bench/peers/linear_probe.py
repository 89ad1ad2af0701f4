"""A linear probe of scikit-learn on features that `npm run bench -- fine-tune` has written.

Needs numpy and scikit-learn. Argument: the folder, with train.f32 and test.f32 (rows of float32) and labels.json
({"train": [...], "test": [...]}). Features are standardised, and the strength of the penalty is chosen by five-fold
cross-validation on the training rows. Prints {"version", "train", "test", "C"} as JSON, the accuracies in 0-1.
"""

import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])
labels = json.loads((folder / "labels.json").read_text())


def rows(part):
    values = np.fromfile(folder / f"{part}.f32", dtype=np.float32).astype(np.float64)
    return values.reshape(len(labels[part]), -1)


probe = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=np.logspace(-4, 3, 8), cv=5, max_iter=5000))
probe.fit(rows("train"), labels["train"])
print(
    json.dumps(
        {
            "version": sklearn.__version__,
            "train": probe.score(rows("train"), labels["train"]),
            "test": probe.score(rows("test"), labels["test"]),
            "C": float(np.mean(probe[-1].C_)),
        }
    )
)
