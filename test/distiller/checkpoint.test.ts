/** Which saves can be read: those of earlier formats, and none that is damaged. */
import '../helpers/use-wasm.js';
import {io} from '@tensorflow/tfjs-core';
import {expect, it, onTestFinished} from 'vitest';
import {createNetworks, type SeededNetworks} from '../../src/distiller/create.js';
import {packCheckpoint, unpackCheckpoint} from '../../src/distiller/save/checkpoint.js';
import {probeTeacher} from '../../src/distiller/save/teacher-probe.js';
import {ModelFileError, residualStudent, type Teacher} from '../../src/index.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchTeacher} from '../helpers/patch-world.js';

/** An untrained distiller and its artifacts. */
async function saved(
  student?: Parameters<typeof createNetworks>[0]['student'],
): Promise<{made: SeededNetworks; artifacts: io.ModelArtifacts}> {
  const model = patchTeacher();
  const made = await createNetworks({teacher: model, seed: 4, student, guidance: 'attended'});
  onTestFinished(() => [made.student.model, made.decoder, model].forEach(disposeModel));
  return {made, artifacts: await packCheckpoint(made, {probe: await probeTeacher('test', made.teacher)})};
}

/** The artifacts that formats 1 to 3 made of a distiller, written as those releases wrote them. */
async function earlier(formatVersion: 1 | 2 | 3, {teacher, student, decoder, method, seed}: SeededNetworks): Promise<io.ModelArtifacts> {
  const weights = Object.entries({student: student.model, decoder}).flatMap(([prefix, model]) =>
    model.weights.map((weight) => ({name: `${prefix}:${weight.originalName}`, tensor: weight.read()})),
  );
  const {data, specs} = await io.encodeWeights(weights);
  const topology = JSON.stringify({
    format: 'attentive-distiller',
    formatVersion,
    student: student.model.toJSON(null, false),
    decoder: decoder.toJSON(null, false),
  });
  const metadata = {seed, trainingMode: student.trainingMode, teacher: await probeTeacher('test', teacher)};
  return {
    modelTopology: JSON.parse(formatVersion === 1 ? topology.replaceAll('"mode":"normalized"', '"mode":"normalised"') : topology) as object,
    weightSpecs: specs,
    weightData: data,
    userDefinedMetadata: formatVersion === 3 ? {...metadata, method} : metadata,
  };
}

const unpack = async (artifacts: io.ModelArtifacts, teacher: Teacher): Promise<SeededNetworks> =>
  (await unpackCheckpoint({where: 'test', url: 'the save', teacher}, artifacts)).networks;

const valuesOf = async (networks: SeededNetworks): Promise<unknown[]> =>
  Promise.all(
    [networks.student.model, networks.decoder].flatMap((model) =>
      model.weights.map(async (weight) => [weight.shape, await weight.read().data()]),
    ),
  );

it.each([1, 2, 3] as const)('a save of format version %d, which holds the student whole, can be read', async (version) => {
  const {made} = await saved();
  const old = await earlier(version, made);
  expect(JSON.stringify(old.modelTopology).match(/normalised/g)).toEqual(version === 1 ? Array(3).fill('normalised') : null);
  await expectNoLeak(async () => {
    const read = await unpack(old, made.teacher);
    expect(read.seed).toBe(4);
    expect(read.method).toEqual(version === 3 ? made.method : {guidance: 'none', plainTaps: 0, objective: 'fidelity'});
    expect(await valuesOf(read)).toEqual(await valuesOf(made));
    expect(read.student.model.toJSON(null, false)).toEqual(made.student.model.toJSON(null, false));
    disposeModel(read.student.model);
    disposeModel(read.decoder);
  });
});

it('a save of a later release, and one that is damaged, are refused by name', async () => {
  const {made, artifacts} = await saved();
  type Metadata = {teacher: object; student: {recipe: {places: {step: number; seed: number}[]}; checksums: string[]}};
  const metadata = artifacts.userDefinedMetadata as unknown as Metadata;
  const {student} = metadata;
  const {recipe, checksums} = student;
  const withStudent = (change: object): io.ModelArtifacts => ({
    ...artifacts,
    userDefinedMetadata: {...metadata, student: {...student, ...change}},
  });
  const withSeed = (seed: number): object => ({recipe: {...recipe, places: [{...recipe.places[0]!, seed}, ...recipe.places.slice(1)]}});
  const broken: [io.ModelArtifacts, RegExp][] = [
    [{...artifacts, modelTopology: {...artifacts.modelTopology, formatVersion: 5}}, /has format version 5, this release reads 1 to 4/],
    [{...artifacts, userDefinedMetadata: {...metadata, seed: -1}}, /is damaged: its metadata.seed must be a whole number/],
    [
      {...artifacts, userDefinedMetadata: {...metadata, teacher: {...metadata.teacher, logits: [null]}}},
      /metadata.teacher.logits\[0\] must be a finite number/,
    ],
    [{...artifacts, userDefinedMetadata: {}}, /metadata.seed must be/],
    [{...artifacts, modelTopology: {}}, /does not hold a saved AttentiveDistiller/],
    [withStudent({builder: 'another'}), /metadata.student.builder must be one of 'studentFromTeacher'/],
    [withStudent({recipe: {...recipe, ratio: undefined}}), /metadata.student.recipe.ratio must be a whole number/],
    [withStudent({recipe: {...recipe, places: recipe.places.slice(1, 2)}}), /metadata.student.recipe.places must be a list of at least 2/],
    [withStudent(withSeed(-1)), /metadata.student.recipe.places\[0\].seed must be/],
    [withStudent({changed: [1]}), /is damaged: weight 1 of its student is missing/],
    [withStudent({checksums: 'none'}), /metadata.student.checksums must be a list/],
    // Another seed starts a gate otherwise, which the checksums of the gates tell.
    [withStudent(withSeed(5)), /the save does not fit its teacher: 'attention_1\/.*' starts otherwise/],
    [{...artifacts, userDefinedMetadata: {...metadata, student: undefined}} as unknown as io.ModelArtifacts, /could not be restored/],
    [{...artifacts, weightSpecs: artifacts.weightSpecs!.slice(0, -1)}, /could not be restored/],
  ];
  expect(checksums).toHaveLength(made.student.model.weights.length);
  await expectNoLeak(async () => {
    for (const [each, message] of broken) {
      await expect(unpack(each, made.teacher)).rejects.toThrow(message);
      await expect(unpack(each, made.teacher)).rejects.toThrow(ModelFileError);
    }
  });
});

it('a student of another builder is saved whole', async () => {
  const {made, artifacts} = await saved(residualStudent({depth: 18, width: 2}));
  expect(artifacts.userDefinedMetadata).not.toHaveProperty('student');
  expect(artifacts.weightSpecs!.filter(({name}) => name.startsWith('student:'))).toHaveLength(made.student.model.weights.length);
  await expectNoLeak(async () => {
    const read = await unpack(artifacts, {...made.teacher, model: undefined});
    expect(await valuesOf(read)).toEqual(await valuesOf(made));
    expect(read.student.trainingMode).toBe(true);
    disposeModel(read.student.model);
    disposeModel(read.decoder);
  });
});
