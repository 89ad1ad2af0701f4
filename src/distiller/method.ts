/** Which form of the method a distiller has: what its explanation network gets, and what it is trained on. */
import {integer, oneOf, withDefault} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';

/** Options of `AttentiveDistiller.create` that say which form of the method is built. */
export interface MethodOptions {
  /**
   * What the explanation network gets from each tap. `'attended'`: the attended features f̂ and their product with the
   * gradient of the class that is explained, each divided by its root mean square; `'delta'`: the same with Δf. Then every
   * class has a map of its own. `'none'`: Δf alone, as in the paper; a map of the whole decision.
   * @default 'attended'
   */
  readonly guidance?: 'none' | 'attended' | 'delta' | undefined;
  /**
   * With guidance: how many of the finest taps go without the gradient, which is then not computed there, 0–15. Each saves
   * a part of the pass back, and costs detail.
   * @default 0
   */
  readonly plainTaps?: number | undefined;
  /**
   * What the explanation network is trained on. `'ranking'`: insertion and deletion at a random point of their curves,
   * against baseline images that are drawn at random. `'fidelity'`: the paper's loss, equations 8 and 9. `'both'`: their sum.
   * @default 'ranking'
   */
  readonly objective?: 'ranking' | 'fidelity' | 'both' | undefined;
}

/** The form of the method. */
export type Method = Settled<MethodOptions>;

/** The fields of {@link MethodOptions}. */
export const methodFields: OptionsSchema<Method>['fields'] = {
  guidance: withDefault(oneOf('attended', 'delta', 'none'), 'attended'),
  plainTaps: withDefault(integer(0, 15), 0),
  objective: withDefault(oneOf('ranking', 'fidelity', 'both'), 'ranking'),
};

/** The paper's own form. */
export const paperForm: Method = {guidance: 'none', plainTaps: 0, objective: 'fidelity'};
