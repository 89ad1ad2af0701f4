/** What the network itself says of a picture: a plain prediction. */
import {sigmoid, softmax, Tensor, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {toNetworkInput, type DecodedImage, type Teacher} from 'attentive-distiller';

/** A probability for each class. */
export async function scoresOf(image: DecodedImage, teacher: Teacher): Promise<number[]> {
  const input = toNetworkInput([image], teacher);
  try {
    return await predict(input, teacher);
  } finally {
    input.dispose();
  }
}

/** The same of what the network sees, one image. */
export async function predict(input: Tensor4D, teacher: Teacher): Promise<number[]> {
  if (teacher.scores !== undefined) {
    const scores = await teacher.scores.score(input);
    if (scores instanceof Tensor) return Array.from(await scores.data()); // No network of this page gives one.
    return Array.from(scores instanceof Float32Array ? scores : (scores[0] ?? []));
  }
  const output = tidy(() => {
    const logits = teacher.logits(input);
    return teacher.numClasses === 1 || teacher.classes === 'independent' ? sigmoid(logits) : softmax(logits);
  });
  try {
    const values = Array.from(await output.data());
    // One output counts as two classes.
    return values.length === 1 ? [1 - (values[0] ?? 0), values[0] ?? 0] : values;
  } finally {
    output.dispose();
  }
}
