"""Small numeric building blocks used by several generators, in float64 numpy."""
import math

import numpy as np


def half_pixel_matrix(n_out, n_in, border):
    """Rows of linear-interpolation weights: out = M @ in.

    Sample centres: out pixel i looks at input coordinate (i + 1/2) * n_in / n_out - 1/2.
    border 'clamp'  : coordinates beyond the first/last centre take the end value (tf/torch resize);
    border 'mirror' : neighbours are reflected about the end pixel's CENTRE, -1 -> 1, n -> n-2
                      (what scikit-image calls mode='reflect' when it resizes).
    """
    m = np.zeros((n_out, n_in))
    for i in range(n_out):
        x = (i + 0.5) * n_in / n_out - 0.5
        lo = math.floor(x)
        for j, w in ((lo, lo + 1 - x), (lo + 1, x - lo)):
            if border == "clamp":
                j = min(max(j, 0), n_in - 1)
            else:
                if n_in == 1:
                    j = 0
                else:
                    period = 2 * (n_in - 1)
                    j = abs(j) % period
                    j = j if j < n_in else period - j
            m[i, j] += w
    return m


def rise_cell(h, w, s):
    return math.ceil(h / s), math.ceil(w / s)


def rise_mask(grid, dy, dx, h, w, border="mirror"):
    """One RISE mask: the s x s grid is enlarged to (s+1) cells per side, then an h x w window is cut at (dy, dx)."""
    s = grid.shape[0]
    ch, cw = rise_cell(h, w, s)
    a = half_pixel_matrix((s + 1) * ch, s, border)[dy:dy + h]
    b = half_pixel_matrix((s + 1) * cw, s, border)[dx:dx + w]
    return a @ grid.astype(np.float64) @ b.T


def rise_masks(grids, shifts, h, w, border="mirror"):
    return np.stack([rise_mask(g, int(y), int(x), h, w, border) for g, (y, x) in zip(grids, shifts)])


def blur_kernel_1d(length, sigma):
    """Response of a Gaussian smoothing with half-sample symmetric borders (d c b a | a b c d | d c b a) to a
    unit impulse in the middle of `length` samples.  The Gaussian is cut at int(4*sigma + .5) and normalised
    BEFORE it is folded back into the window, so the result sums to one and is flatter than a cut Gaussian."""
    radius = int(4 * sigma + 0.5)
    t = np.arange(-radius, radius + 1)
    g = np.exp(-0.5 * (t / sigma) ** 2)
    g /= g.sum()
    out = np.zeros(length)
    centre = length // 2
    for i in range(length):
        for off, w in zip(t, g):
            j = (i + off) % (2 * length)            # index into the symmetric extension, period 2n
            j = j if j < length else 2 * length - 1 - j
            if j == centre:
                out[i] += w
    return out


def blur_kernel(length, sigma):
    k = blur_kernel_1d(length, sigma)
    return np.outer(k, k)


def blur_image(x_hwc, kernel):
    """Per-channel correlation with zero padding, same size."""
    k = kernel.shape[0] // 2
    h, w, _ = x_hwc.shape
    p = np.pad(np.asarray(x_hwc, np.float64), ((k, k), (k, k), (0, 0)))
    out = np.zeros(x_hwc.shape)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            out += kernel[i, j] * p[i:i + h, j:j + w]
    return out


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def pixel_order(saliency, ties):
    """Pixels from most to least salient.  ties: 'index-asc' (lower flat index first) or 'index-desc'."""
    flat = np.asarray(saliency, np.float64).ravel()
    if ties == "index-asc":
        return np.argsort(-flat, kind="stable")
    return np.argsort(flat, kind="stable")[::-1]


def causal_curve(predict, x_hwc, substrate_hwc, order, step, mode, target, chunk=256):
    """Scores of class `target` while pixels change in `order`, `step` at a time (index 0 = nothing changed).
    mode 'deletion': image -> substrate, 'insertion': substrate -> image."""
    start, finish = (x_hwc, substrate_hwc) if mode == "deletion" else (substrate_hwc, x_hwc)
    h, w, c = x_hwc.shape
    current = np.array(start, np.float64).reshape(h * w, c)
    finish = np.asarray(finish, np.float64).reshape(h * w, c)
    n_steps = -(-h * w // step)
    frames, scores = [], []
    for i in range(n_steps + 1):
        frames.append(current.reshape(h, w, c).copy())
        if len(frames) == chunk or i == n_steps:
            scores.append(predict(np.stack(frames))[:, target])
            frames = []
        px = order[step * i:step * (i + 1)]
        current[px] = finish[px]
    return np.concatenate(scores)


def curve_fractions(n_pixels, step):
    n_steps = -(-n_pixels // step)
    return np.minimum(np.arange(n_steps + 1) * step, n_pixels) / n_pixels


def auc_equal_widths(s):
    """Trapezoid with equal widths whose sum is 1, whatever the size of the last chunk."""
    return (s.sum() - (s[0] + s[-1]) / 2) / (len(s) - 1)


def auc_true_fractions(s, f):
    return float(((s[1:] + s[:-1]) / 2 * np.diff(f)).sum())
