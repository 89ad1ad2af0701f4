/** Sums, products and the like of two values, or of one value and a number, as Keras writes `x * 0.5` in a model. */
import {add, div, maximum, minimum, mul, pow, scalar, sub, type Tensor} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {absentMeans, boolean, number, oneOf, required, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {KerasLayer} from './_keras-layer.js';

type ArithmeticName = 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum' | 'power';

const operations: Readonly<Record<ArithmeticName, (a: Tensor, b: Tensor) => Tensor>> = {
  add: (a, b) => add(a, b),
  subtract: (a, b) => sub(a, b),
  multiply: (a, b) => mul(a, b),
  divide: (a, b) => div(a, b),
  maximum: (a, b) => maximum(a, b),
  minimum: (a, b) => minimum(a, b),
  power: (a, b) => pow(a, b),
};

interface ArithmeticSettings {
  readonly name: string | undefined;
  readonly operation: ArithmeticName;
  /** The second operand, where it is a number. */
  readonly constant: number | undefined;
  /** Whether that number is the first operand. */
  readonly constantFirst: boolean;
}

const schema: OptionsSchema<ArithmeticSettings> = {
  where: 'KerasArithmetic',
  fields: {
    name: nameField,
    operation: required(oneOf('add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'power')),
    constant: absentMeans(number(), 'none'),
    constantFirst: withDefault(boolean(), false),
  },
};

/** Two inputs, broadcast, or one and a constant. */
export class KerasArithmetic extends KerasLayer<ArithmeticSettings> {
  static className = 'KerasArithmetic';

  constructor(config: object) {
    super(schema, config);
  }

  protected override compute(x: Tensor, ...others: Tensor[]): Tensor {
    const {operation, constant, constantFirst} = this.settings;
    const other = constant === undefined ? at(others, 0) : scalar(constant);
    return operations[operation](constantFirst ? other : x, constantFirst ? x : other);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shapes = (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as Shape[];
    const rank = Math.max(...shapes.map(({length}) => length));
    return Array.from({length: rank}, (_, axis) => {
      const sizes = shapes.map((shape) => (axis - rank + shape.length < 0 ? 1 : (shape[axis - rank + shape.length] ?? null)));
      return sizes.includes(null) ? null : Math.max(...(sizes as number[]));
    });
  }
}
