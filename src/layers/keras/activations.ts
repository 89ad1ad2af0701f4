/** Activations that Keras has and tf.layers does not, or computes in another way. */
import {add, clipByValue, div, exp, leakyRelu, mul, neg, relu6, serialization, softplus, tidy, type Tensor} from '@tensorflow/tfjs-core';

/** What each computes, by the name under which tf.layers finds it. */
const computed: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  /** Of Keras 3: relu6(x + 3) / 6. That of Keras 2 and tf.layers is 0.2 x + 0.5, cut to [0,1]. */
  kerasHardSigmoid: hardSigmoid,
  /** x · relu6(x + 3) / 6. */
  kerasHardSilu: (x) => mul(x, hardSigmoid(x)),
  /** Slope 0.2, that of Keras' function; its layer has 0.3. */
  kerasLeakyRelu: (x) => leakyRelu(x, 0.2),
  kerasExponential: (x) => exp(x),
  kerasLogSigmoid: (x) => neg(softplus(neg(x))),
  kerasHardTanh: (x) => clipByValue(x, -1, 1),
};

function hardSigmoid(x: Tensor): Tensor {
  return div(relu6(add(x, 3)), 6);
}

/** The classes of these activations, for tfjs' registry. */
export const kerasActivations: readonly serialization.SerializableConstructor<serialization.Serializable>[] =
  /* @__PURE__ */ Object.entries(computed).map(
    ([name, compute]) =>
      class extends serialization.Serializable {
        static className = name;

        apply(x: Tensor): Tensor {
          return tidy(() => compute(x));
        }

        getConfig(): serialization.ConfigDict {
          return {};
        }
      },
  );
