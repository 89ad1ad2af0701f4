/**
 * A classifier of three colours whose weights are written by hand, so that the examples need neither a training nor a download.
 * The first convolution finds pure red, green and blue, the next two pass on their means, coarser each time; the mean over the
 * picture decides.
 */
const purity = [2, -1, -1, -1, 2, -1, -1, -1, 2];
const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const meanOfFour = Array.from({length: 36}, (_, place) => (identity[place % 9] ?? 0) / 4);

/** Convolutions `[size, size, in, out]` that step by their size, each with a bias and a ReLU; the input is 0–1. */
export const convolutions = [
  {name: 'pure', size: 1, kernel: purity, bias: [-0.3, -0.3, -0.3]},
  {name: 'half', size: 2, kernel: meanOfFour, bias: [0, 0, 0]},
  {name: 'quarter', size: 2, kernel: meanOfFour, bias: [0, 0, 0]},
];

/** The head `[in, out]`, behind the mean over the picture and in front of a softmax. */
export const head = {name: 'class', kernel: identity.map((value) => 40 * value), bias: [0, 0, 0]};
