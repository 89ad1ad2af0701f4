/** Attention and class activation maps on the tokens of transformers. */
import '../helpers/use-wasm.js';
import {
  memory,
  randomUniform,
  square,
  sub,
  sum,
  tensor,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {AttentiveDistiller, gradCam, loadTeacher, scoreCam, studentFromTeacher, teacherFromLayersModel} from '../../src/index.js';
import {attentionSites} from '../../src/models/index.js';
import {GridToTokens, gridOfTokens, TokensToGrid} from '../../src/layers/token-grid.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {dataFolder, readBytes} from '../helpers/files.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor => layer.apply(x) as SymbolicTensor;

/** Patches of 4×4 pixels as tokens, two blocks with residual branches, the mean of the tokens. */
function small(): LayersModel {
  const image = input({shape: [16, 24, 3], name: 'image'});
  let x = apply(layers.conv2d({filters: 8, kernelSize: 4, strides: 4, name: 'patches'}), image);
  x = apply(layers.reshape({targetShape: [24, 8]}), x);
  for (const block of [1, 2, 3]) {
    const hidden = apply(
      layers.dense({units: 8, activation: 'relu', name: `mlp_${block}`}),
      apply(layers.layerNormalization({name: `norm_${block}`}), x),
    );
    x = apply(layers.add({name: `block_${block}`}), [x, hidden]);
  }
  return functional({
    inputs: image,
    outputs: apply(layers.dense({units: 3, activation: 'softmax'}), apply(layers.globalAveragePooling1d({}), x)),
  });
}

describe('tokens', () => {
  it('lie in the image as the patches that they came from', () => {
    const model = small();
    expect(attentionSites(model)).toEqual([
      {path: 'patches', shape: [4, 6, 8]},
      ...[1, 2, 3].map((block) => ({path: `block_${block}`, shape: [4, 6, 8]})),
    ]);
    model.dispose();
  });

  it.each([false, true])('become a grid and tokens again, with a token of the class: %s', (classToken) =>
    expectNoLeak(async () => {
      const tokens = tensor(
        Array.from({length: classToken ? 14 : 12}, (_, index) => index),
        [1, classToken ? 7 : 6, 2],
      ) as Tensor3D;
      const toGrid = new TokensToGrid({size: [2, 3], classToken});
      const grid = toGrid.apply(tokens) as Tensor;
      expect(grid.shape).toEqual([1, 2, 3, 2]);
      expect((await grid.data())[0]).toBe(classToken ? 2 : 0);
      const back = new GridToTokens().apply([grid, tokens]) as Tensor;
      expect(await back.data()).toEqual(await tokens.data());
      [tokens, grid, back].forEach((each) => each.dispose());
    }),
  );

  it('have the right gradient', async () => {
    const at = randomUniform([2, 7, 3], -1, 1, 'float32', 4);
    const grid = {height: 2, width: 3, classToken: true};
    await expectGradient((x) => sum<Scalar>(square(sub(gridOfTokens(x as Tensor3D, grid), 0.3))), at);
    const back = new GridToTokens();
    await expectGradient((x) => sum<Scalar>(square(sub(back.apply([gridOfTokens(x as Tensor3D, grid), x]) as Tensor, 0.3))), at);
    at.dispose();
  });
});

describe('a transformer', () => {
  it('has a student that answers as it does with open gates, and maps of its own', async () => {
    const model = small();
    const images: Tensor4D = randomUniform([2, 16, 24, 3], -1, 1, 'float32', 3);
    const before = memory().numTensors;
    const teacher = teacherFromLayersModel(model);
    const built = await studentFromTeacher({initialGate: 1 - 1e-6})(teacher, {seed: 1});
    expect(built.model.outputs.map(({shape}) => shape.slice(1))).toEqual([[3], [4, 6, 8], [4, 6, 8], [4, 6, 8], [4, 6, 8]]);
    const [logits] = tidy(() => built.model.predict(images) as Tensor[]);
    const expected = teacher.logits(images);
    expectClose(await logits!.data(), await expected.data(), {abs: 1e-3});
    expected.dispose();
    built.model.dispose();
    logits!.dispose();
    const store = await temporaryStore();
    const distiller = await AttentiveDistiller.create({teacher, seed: 1});
    await distiller.train([{images}], {budget: {steps: 2}});
    const [map] = await distiller.explain(images);
    expect([map!.empty, map!.height, map!.width]).toEqual([false, 16, 24]);
    await distiller.save(store.url('tokens'));
    const loaded = await AttentiveDistiller.load(store.url('tokens'), {teacher});
    expect((await loaded.explain(images))[0]!.data).toEqual(map!.data);
    loaded.dispose();
    distiller.dispose();
    await store.remove();
    images.dispose();
    model.dispose();
    expect(memory().numTensors).toBeLessThanOrEqual(before);
  });

  it('has Grad-CAM on its tokens: by hand, the mean slope of each channel', () =>
    expectNoLeak(async () => {
      const model = small();
      const images: Tensor4D = randomUniform([1, 16, 24, 3], -1, 1, 'float32', 3);
      const [last] = await gradCam(images, model, {normalize: false});
      const [named] = await gradCam(images, model, {layer: 'block_3', normalize: false});
      expect(last!.data).toEqual(named!.data);
      expect(last!.options['layer']).toBe('block_3');
      const [mean, scored] = [await gradCam(images, model, {layer: ['patches', 'block_2']}), await scoreCam(images, model)];
      expect([mean[0]!.data.length, scored[0]!.data.length]).toEqual([384, 384]);
      images.dispose();
      model.dispose();
    }));
});

const vit = `${dataFolder}/keras-teachers/vit`;
const isThere = (await readBytes(`${vit}/model.json`)) !== undefined;

it.skipIf(!isThere)('a trained ViT is distilled for a few steps, and Grad-CAM finds its square', {timeout: 120_000}, async () => {
  const {x} = JSON.parse(new TextDecoder().decode((await readBytes(`${vit}/expected.json`))!)) as {x: [number, number, number, number]};
  const images = tensor(new Float32Array((await readBytes(`${vit}/input.f32`))!), x) as Tensor4D;
  const teacher = await loadTeacher(vit);
  const distiller = await AttentiveDistiller.create({teacher, seed: 1});
  await distiller.train([{images}], {budget: {steps: 3}});
  const maps = [...(await distiller.explain(images)), ...(await gradCam(images, teacher))];
  for (const map of maps) expect([map.empty, map.data.every(Number.isFinite)]).toEqual([false, true]);
  const {agreement} = await distiller.evaluate([{images}], {causal: false});
  expect(agreement).toBe(1);
  distiller.dispose();
  teacher.dispose();
  images.dispose();
});
