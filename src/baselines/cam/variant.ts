/**
 * The members of the Grad-CAM family: each turns a feature map A and the gradient g = ∂z_c/∂A of a
 * class logit into one value per pixel, `Σ_k w_k · A_k`. They differ in the weights only.
 */
import {add, clone, divNoNan, mean, mul, relu, sum, tidy, type Tensor4D} from '@tensorflow/tfjs-core';

/**
 * How the gradient g = ∂z_c/∂A of a class logit becomes weights of the channels k of a feature map A:
 *
 * - `'grad-cam'` (Selvaraju et al. 2017, equation 1): `w_k = mean_xy g_k`.
 * - `'grad-cam++'` (Chattopadhay et al. 2018): `w_k = Σ_xy α_k · relu(g_k)` with
 *   `α_k = g_k² / (2·g_k² + g_k³ · Σ_ab A_k)`, their equation 19, which holds for the score
 *   `exp(z_c)`. Its own factor `exp(z_c)` scales the whole map of an image and overflows, so it is left
 *   out: normalised maps are the same. Meant for maps behind a ReLU: where A is negative the
 *   denominator can vanish (such a pixel then gets 0 where it is exactly 0).
 * - `'hires-cam'` (Draelos & Carin 2020): `w_k(x,y) = g_k(x,y)`, pixel by pixel.
 * - `'layer-cam'` (Jiang et al. 2021): `w_k(x,y) = relu(g_k(x,y))`.
 * - `'xgrad-cam'` (Fu et al. 2020): `w_k = Σ_xy g_k · A_k / Σ_xy A_k`, 0 where the divisor is 0.
 */
export type CamVariant = 'grad-cam' | 'grad-cam++' | 'hires-cam' | 'layer-cam' | 'xgrad-cam';

/** Every variant. */
export const camVariants: readonly CamVariant[] = ['grad-cam', 'grad-cam++', 'hires-cam', 'layer-cam', 'xgrad-cam'];

/**
 * Computes the weights of a variant.
 *
 * @param features A, `[N,h,w,K]`.
 * @param gradients ∂z_c/∂A, of the same shape.
 * @returns `[N,1,1,K]`, or `[N,h,w,K]` where pixels have weights of their own; the caller's.
 */
export function camWeights(variant: CamVariant, features: Tensor4D, gradients: Tensor4D): Tensor4D {
  const space = [1, 2];
  return tidy(() => {
    switch (variant) {
      case 'grad-cam':
        return mean(gradients, space, true);
      case 'grad-cam++':
        // g² cancels: α = 1 / (2 + g · Σ A), and where g is 0 the relu makes the product 0.
        return sum(divNoNan(relu(gradients), add(mul(gradients, sum(features, space, true)), 2)), space, true);
      case 'hires-cam':
        return clone(gradients);
      case 'layer-cam':
        return relu(gradients);
      case 'xgrad-cam':
        return divNoNan(sum(mul(gradients, features), space, true), sum(features, space, true));
    }
  });
}

/** Weighs and adds the channels: `Σ_k w_k · A_k`, `[N,h,w,1]`, the caller's. */
export function weighChannels(features: Tensor4D, weights: Tensor4D): Tensor4D {
  return tidy(() => sum<Tensor4D>(mul(features, weights), 3, true));
}
