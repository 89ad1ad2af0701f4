/** WebAssembly can address 4 GiB: what does not fit is refused in plain words, and what is there stays right. */
import {expect, test} from 'vitest';
import {inNewProcess} from '../helpers/new-process.js';

test('a full wasm backend says so, loses nothing, and goes on once tensors are freed', async () => {
  const result = await inNewProcess(`
    await selectBackend({prefer: ['wasm']});
    const sum = (image) => tf.tidy(() => tf.sum(tf.conv2d(image, tf.ones([1, 1, 1, 1]), 1, 'valid')).dataSync()[0]);
    const image = tf.ones([1, 3, 5, 1]);
    const before = sum(image);
    const {numTensors} = tf.memory();
    const held = [];
    let error;
    try {
      while (held.length < 10) held.push(tf.fill([2 ** 27], 1));
    } catch (thrown) {
      error = {name: thrown.name, message: thrown.message};
    }
    const [first, last] = [held[0], held.at(-1)].map((each) => tf.tidy(() => tf.slice(each, 2 ** 26, 3).dataSync().join()));
    const count = held.length;
    const left = tf.memory().numTensors - numTensors - count;
    tf.dispose(held);
    console.log('\\n' + JSON.stringify({error, first, last, count, left, before, after: sum(image)}));`);
  expect(result).toMatchObject({
    error: {
      name: 'BackendError',
      message: expect.stringMatching(/^The memory of the wasm backend is full: .* no 512 MiB in one piece\. Take/),
    },
    ...{first: '1,1,1', last: '1,1,1', count: 7, left: 0, before: 15, after: 15},
  });
});
