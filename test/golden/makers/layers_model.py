"""Runs a tfjs LayersModel in torch, so that fixtures and the library see the same weights.

Covers only the layers these fixtures use.  Tensors travel as NHWC, as in tfjs.  A final softmax can be left off,
and the output of any layer can be recorded (with gradient).
"""
import numpy as np
import torch
import torch.nn.functional as F


def _same(x, k, s):
    """Zero padding of TensorFlow's 'same' for an NCHW tensor."""
    pads = []
    for size, kk, ss in ((x.shape[3], k[1], s[1]), (x.shape[2], k[0], s[0])):
        total = max((-(-size // ss) - 1) * ss + kk - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


class Net:
    def __init__(self, layers, weights, dtype=torch.float64):
        self.layers, self.dtype = layers, dtype
        self.w = {k: torch.tensor(v.copy(), dtype=dtype) for k, v in weights.items()}

    def __call__(self, x_nhwc, taps=(), logits=True):
        """Returns (output, {tap name: recorded tensor}).  logits=True leaves off a softmax in the last layer."""
        made, rec = {}, {}
        previous = None
        for i, layer in enumerate(self.layers):
            kind, cfg, name = layer["class_name"], layer["config"], layer["config"]["name"]
            if kind == "InputLayer":
                y = torch.as_tensor(np.asarray(x_nhwc)).to(self.dtype)
            else:
                links = layer.get("inbound_nodes")
                ins = [made[l[0]] for l in links[0]] if links else [previous]
                y = self._apply(kind, cfg, name, ins, last=logits and i == len(self.layers) - 1)
            if name in taps:
                if not y.requires_grad:
                    y = y.requires_grad_(True)
                y.retain_grad()
                rec[name] = y
            made[name] = previous = y
        return previous, rec

    def _apply(self, kind, cfg, name, ins, last):
        x = ins[0]
        nchw = lambda t: t.permute(0, 3, 1, 2)
        nhwc = lambda t: t.permute(0, 2, 3, 1)
        if kind == "ZeroPadding2D":
            (t, b), (l, r) = cfg["padding"]
            return F.pad(x, (0, 0, l, r, t, b))
        if kind == "Conv2D":
            k = self.w[name + "/kernel"].permute(3, 2, 0, 1)
            v = nchw(x)
            if cfg["padding"] == "same":
                v = _same(v, k.shape[2:], cfg["strides"])
            bias = self.w[name + "/bias"] if cfg["use_bias"] else None
            return self._act(nhwc(F.conv2d(v, k, bias, stride=tuple(cfg["strides"]))), cfg, last)
        if kind == "BatchNormalization":
            g, b, m, v = (self.w[name + "/" + p] for p in ("gamma", "beta", "moving_mean", "moving_variance"))
            return (x - m) / torch.sqrt(v + cfg["epsilon"]) * g + b
        if kind == "Activation":
            return self._act(x, cfg, last)
        if kind == "Add":
            return ins[0] + ins[1]
        if kind == "MaxPooling2D":
            assert cfg["padding"] == "valid"
            return nhwc(F.max_pool2d(nchw(x), tuple(cfg["pool_size"]), tuple(cfg["strides"])))
        if kind == "GlobalAveragePooling2D":
            return x.mean((1, 2))
        if kind == "Flatten":
            return x.reshape(x.shape[0], -1)
        if kind == "Dense":
            y = x @ self.w[name + "/kernel"]
            return self._act(y + self.w[name + "/bias"] if cfg["use_bias"] else y, cfg, last)
        raise ValueError(kind)

    @staticmethod
    def _act(x, cfg, last):
        a = cfg.get("activation", "linear")
        if a == "relu":
            return F.relu(x)
        if a == "softmax":
            return x if last else F.softmax(x, -1)
        assert a == "linear", a
        return x

    def probabilities(self, x_nhwc, chunk=300):
        """Softmax output as numpy, in pieces, without gradient."""
        out = []
        with torch.no_grad():
            for i in range(0, len(x_nhwc), chunk):
                out.append(F.softmax(self(x_nhwc[i:i + chunk])[0], -1).numpy())
        return np.concatenate(out)


class Topology:
    """Builds a tfjs/Keras sequential-style functional model (one input, a chain) with given weights."""

    def __init__(self, name, h, w, c):
        self.name, self.specs, self.weights = name, [], {}
        self.layers = [dict(class_name="InputLayer", name="input_1", inbound_nodes=[],
                            config=dict(batch_input_shape=[None, h, w, c], dtype="float32", sparse=False, name="input_1"))]

    def add(self, kind, name, weights=(), **cfg):
        prev = self.layers[-1]["name"]
        self.layers.append(dict(class_name=kind, name=name, inbound_nodes=[[[prev, 0, 0, {}]]],
                                config=dict(name=name, trainable=True, dtype="float32", **cfg)))
        for part, value in weights:
            value = np.asarray(value, np.float32)
            self.specs.append(dict(name=name + "/" + part, shape=list(value.shape), dtype="float32"))
            self.weights[name + "/" + part] = value
        return self

    def conv(self, name, kernel, bias, stride=1, padding="same", activation="linear"):
        kernel = np.asarray(kernel)
        return self.add("Conv2D", name, [("kernel", kernel)] + ([("bias", bias)] if bias is not None else []),
                        filters=kernel.shape[3], kernel_size=list(kernel.shape[:2]), strides=[stride, stride], padding=padding,
                        data_format="channels_last", dilation_rate=[1, 1], activation=activation, use_bias=bias is not None)

    def dense(self, name, kernel, bias, activation="linear"):
        return self.add("Dense", name, [("kernel", kernel)] + ([("bias", bias)] if bias is not None else []),
                        units=int(np.shape(kernel)[1]), activation=activation, use_bias=bias is not None)

    def net(self, dtype=torch.float64):
        return Net(self.layers, self.weights, dtype)

    def json(self, pack):
        """For the fixture: what tf.io.fromMemory needs."""
        raw = np.concatenate([self.weights[s["name"]].ravel() for s in self.specs])
        topology = dict(keras_version="2.4.0", backend="tensorflow", model_config=dict(class_name="Functional", config=dict(
            name=self.name, layers=self.layers, input_layers=[["input_1", 0, 0]], output_layers=[[self.layers[-1]["name"], 0, 0]])))
        return dict(modelTopology=topology, weightSpecs=self.specs, weightData=pack.array(raw, inline=False))
