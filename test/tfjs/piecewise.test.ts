/** Pieces give the value and the gradient of the whole, hold no more than one piece needs, and leave nothing behind. */
import {
  add,
  exp,
  grad,
  memory,
  mul,
  randomUniform,
  sum,
  tensor1d,
  tidy,
  variable,
  variableGrads,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {piecewise} from '../../src/tfjs/gradients/piecewise.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const batch = (): Tensor4D => randomUniform([7, 3, 2, 1], -1, 1, 'float32', 3) as Tensor4D;
/** One number for each item, that depends on where it stands. */
const work = (piece: Tensor, first: number): Tensor1D =>
  tidy(() => {
    const count = piece.shape[0]!;
    const places = tensor1d(Float32Array.from({length: count}, (_, index) => 1 + first + index));
    return mul(sum(exp(mul(piece, 2)), [1, 2, 3]), places) as Tensor1D;
  });
const weighted = (values: Tensor1D): Tensor => sum(mul(values, tensor1d([1, -2, 3, 0, 5, 1, 0.5])));

describe('piecewise', () => {
  it.each([1, 2, 3, 6, 7, 100])('gives value and gradient of the whole in pieces of %i', async (size) => {
    await expectNoLeak(async () => {
      const x = batch();
      const values = piecewise(x, size, work);
      const whole = work(x, 0);
      expectClose(await values.data<'float32'>(), await whole.data<'float32'>(), {relToMax: 1e-6});
      const inPieces = grad((each: Tensor) => weighted(piecewise(each, size, work)))(x);
      const atOnce = grad((each: Tensor) => weighted(work(each, 0)))(x);
      expectClose(await inPieces.data<'float32'>(), await atOnce.data<'float32'>(), {relToMax: 1e-6});
      for (const each of [x, values, whole, inPieces, atOnce]) each.dispose();
    });
  });

  it('passes the gradient on to what made the batch', async () => {
    await expectNoLeak(async () => {
      const x = batch();
      const scale = tidy(() => variable(tensor1d([0.5])));
      const loss = (size: number) => () => weighted(piecewise(add(mul(x, scale), scale), size, work)) as never;
      const [pieces, whole] = [variableGrads(loss(3), [scale]), variableGrads(loss(7), [scale])];
      expectClose(await pieces.grads[scale.name]!.data<'float32'>(), await whole.grads[scale.name]!.data<'float32'>(), {relToMax: 1e-5});
      for (const {value, grads} of [pieces, whole]) [value, ...Object.values(grads)].forEach((each) => each.dispose());
      x.dispose();
      scale.dispose();
    });
  });

  it('calls the work once for each piece, and holds less than the whole', () => {
    const x = randomUniform([64, 32, 32, 1], -1, 1, 'float32', 3) as Tensor4D;
    const most = (size: number): [calls: number, bytes: number] => {
      let [calls, bytes] = [0, 0];
      const before = memory().numBytes;
      const watched = (piece: Tensor): Tensor1D => {
        calls++;
        let y = piece;
        for (let times = 0; times < 10; times++) y = exp(mul(y, 0.1));
        bytes = Math.max(bytes, memory().numBytes - before);
        return sum(y, [1, 2, 3]) as Tensor1D;
      };
      grad((each: Tensor) => sum(piecewise(each, size, watched)))(x).dispose();
      return [calls, bytes];
    };
    const [[wholeCalls, wholeBytes], [calls, bytes]] = [most(64), most(8)];
    expect([wholeCalls, calls]).toEqual([1, 8]);
    expect(bytes).toBeLessThan(0.3 * wholeBytes);
    x.dispose();
  });

  it('leaves nothing behind where the work throws', () =>
    expectNoLeak(() => {
      const x = batch();
      const broken = (piece: Tensor, first: number): Tensor1D => {
        const values = work(piece, first);
        if (first >= 4) throw new Error('broken');
        return values;
      };
      expect(() => grad((each: Tensor) => sum(piecewise(each, 2, broken)))(x)).toThrow('broken');
      expect(() => tidy(() => piecewise(x, 2, broken))).toThrow('broken');
      x.dispose();
      return Promise.resolve();
    }));
});
