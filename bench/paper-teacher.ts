/** The networks that the paper's tables are measured with, fine-tuned where a data set asks for it. */
import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {io} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {
  fineTune,
  ModelFileError,
  type BatchFunction,
  type Preprocessing,
  type PreprocessingName,
  type FineTuneOptions,
} from '../src/index.js';
import {saveArtifacts} from '../src/files/artifact-store.js';
import {loadLayersModelFromFiles} from '../src/node/index.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {loadModel} from './data.js';
import {qualityCases} from './quality-cases.js';

/** A network, with what has to be known of it. */
export interface PaperTeacher {
  readonly model: LayersModel;
  readonly preprocessing: Preprocessing | PreprocessingName;
  readonly batchSize: number;
  /** What is added to a label: 1 where the network's class 0 is the background. */
  readonly labelOffset: number;
}

/** How a folder with a LayersModel is to be used. */
export interface TeacherChoice {
  /** A network of the quality bench, `quickstart`, or a folder. */
  readonly name: string;
  readonly preprocessing: string;
  /** That of the network's own bench, or 32, where it is not said. */
  readonly batchSize: number | undefined;
  readonly labelOffset: number;
}

/** Loads a network; what is not said of a known one is known. */
export async function loadPaperTeacher({name, ...given}: TeacherChoice): Promise<PaperTeacher> {
  const known = qualityCases[name];
  if (known !== undefined) {
    const {preprocessing} = known;
    const batchSize = given.batchSize ?? known.batchSize;
    return {model: await loadModel(name), preprocessing, batchSize, labelOffset: name.startsWith('mobilenet') ? 1 : 0};
  }
  const {labelOffset, batchSize = 32} = given;
  const folder = name === 'quickstart' ? join(import.meta.dirname, '../quickstart/teacher') : name;
  return {model: await loadLayersModelFromFiles(folder), preprocessing: given.preprocessing as PreprocessingName, batchSize, labelOffset};
}

/** How a network is fine-tuned. */
export interface Tuning extends Pick<FineTuneOptions, 'numClasses' | 'epochs' | 'seed'> {
  readonly batches: () => Promise<BatchFunction>;
  /** Where the result is kept, and the state meanwhile. */
  readonly folder: string;
}

/** The network with a head of its own for a data set, which is made once; takes the one that was given. */
export async function fineTuned(teacher: PaperTeacher, {batches, folder, ...options}: Tuning): Promise<PaperTeacher> {
  const [done, states] = [join(folder, 'teacher'), join(folder, 'teacher-states')];
  if (!existsSync(join(done, 'model.json'))) {
    const bar = new ProgressBar();
    const to = `file://${states}`;
    const settings: FineTuneOptions = {
      ...options,
      preprocessing: teacher.preprocessing,
      checkpoint: {to, everySeconds: 60},
      onProgress: ({done: steps, total, loss, accuracy}) =>
        bar.update({stage: 'fine-tuning', done: steps, total}, `loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(2)}`),
    };
    const data = await batches();
    const {model} = await fineTune(teacher.model, data, {...settings, resumeFrom: to}).catch((error: unknown) => {
      if (!(error instanceof ModelFileError)) throw error;
      return fineTune(teacher.model, data, settings);
    });
    bar.stop();
    await saveLayersModel(model, done);
    model.dispose();
    await rm(states, {recursive: true, force: true});
  }
  teacher.model.dispose();
  return {...teacher, model: await loadLayersModelFromFiles(done), labelOffset: 0};
}

async function saveLayersModel(model: LayersModel, folder: string): Promise<void> {
  await model.save(
    io.withSaveHandler(async (artifacts) => {
      await saveArtifacts('bench', `file://${folder}`, artifacts);
      return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
    }),
  );
}
