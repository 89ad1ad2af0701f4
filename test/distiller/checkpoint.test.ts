/** What a save holds, and which saves can be read. */
import '../helpers/use-wasm.js';
import type {io} from '@tensorflow/tfjs-core';
import {expect, it, onTestFinished} from 'vitest';
import {createNetworks} from '../../src/distiller/create.js';
import {packCheckpoint, unpackCheckpoint} from '../../src/distiller/save/checkpoint.js';
import {probeTeacher} from '../../src/distiller/save/teacher-probe.js';
import {ModelFileError} from '../../src/index.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchTeacher} from '../helpers/patch-world.js';

/** The artifacts of an untrained distiller. */
async function saved(): Promise<io.ModelArtifacts> {
  const model = patchTeacher();
  const {student, decoder, method, teacher, seed} = await createNetworks({teacher: model, seed: 4});
  onTestFinished(() => [student.model, decoder, model].forEach(disposeModel));
  return packCheckpoint({student, decoder, method, seed, trainingMode: student.trainingMode, teacher: await probeTeacher('test', teacher)});
}

const withTopology = (artifacts: io.ModelArtifacts, change: (json: string) => string): io.ModelArtifacts => ({
  ...artifacts,
  modelTopology: JSON.parse(change(JSON.stringify(artifacts.modelTopology))) as object,
});

it('a save of format version 1, which spelt a mode otherwise, can be read', async () => {
  const artifacts = await saved();
  const old = withTopology(artifacts, (json) =>
    json.replace('"formatVersion":3', '"formatVersion":1').replaceAll('"mode":"normalized"', '"mode":"normalised"'),
  );
  expect(JSON.stringify(old.modelTopology).match(/normalised/g)).toHaveLength(3);
  await expectNoLeak(async () => {
    const {student, decoder, seed} = await unpackCheckpoint(old, 'the save');
    expect(seed).toBe(4);
    expect(student.model.layers.map((layer) => layer.getConfig()['mode']).filter((mode) => mode !== undefined)).toEqual(
      Array.from({length: 3}, () => 'normalized'),
    );
    disposeModel(student.model);
    disposeModel(decoder);
  });
});

it('a save of a later release, and one with other metadata, are refused by name', async () => {
  const artifacts = await saved();
  const metadata = artifacts.userDefinedMetadata as {teacher: object};
  const broken: [io.ModelArtifacts, RegExp][] = [
    [
      withTopology(artifacts, (json) => json.replace('"formatVersion":3', '"formatVersion":4')),
      /has format version 4, this release reads 1 to 3/,
    ],
    [{...artifacts, userDefinedMetadata: {...metadata, seed: -1}}, /is damaged: its metadata.seed must be a whole number/],
    [
      {...artifacts, userDefinedMetadata: {...metadata, teacher: {...metadata.teacher, logits: [null]}}},
      /metadata.teacher.logits\[0\] must be a finite number/,
    ],
    [{...artifacts, userDefinedMetadata: {}}, /metadata.seed must be/],
    [{...artifacts, modelTopology: {}}, /does not hold a saved AttentiveDistiller/],
  ];
  await expectNoLeak(async () => {
    for (const [each, message] of broken) {
      await expect(unpackCheckpoint(each, 'the save')).rejects.toThrow(ModelFileError);
      await expect(unpackCheckpoint(each, 'the save')).rejects.toThrow(message);
    }
  });
});
