/** Things to take home: the explainer as a zip, and a report of all methods as one HTML file. */
import {io} from '@tensorflow/tfjs-core';
import {compare, explainReport, gradCamExplainer, limeExplainer, riseExplainer, type Explainer} from 'attentive-distiller';
import {strToU8, zipSync} from 'fflate';
import {byId} from '../app/dom.js';
import {download} from '../app/download.js';
import {complain, isStop, tell} from '../app/messages.js';
import type {Page} from '../app/state.js';
import type {WorkQueue} from '../app/work-queue.js';
import {saveInMemory} from '../model/explainer.js';
import {batchSizeFor, methods, SEED, segmenterFor} from '../model/methods.js';

/** Enough for a picture or two; a study takes more. */
const REPORT_MASKS = 500;
const REPORT_SAMPLES = 400;

const howTo = `An explainer of attentive-distiller. Put both files on a server, or into a folder, and load them beside the same network:

    const distiller = await AttentiveDistiller.load('https://…/explainer.json', {teacher});
`;

export function setUpExport(page: Page, queue: WorkQueue): void {
  const save = byId<HTMLButtonElement>('save-explainer');
  const report = byId<HTMLButtonElement>('save-report');
  let running: AbortController | undefined;
  save.addEventListener('click', () => {
    queue
      .run(new AbortController().signal, () => saveExplainer(page))
      .catch((error: unknown) => complain('The explainer could not be saved.', error));
  });
  report.addEventListener('click', () => {
    if (running !== undefined) return running.abort(new DOMException('Stopped.', 'AbortError'));
    const {signal} = (running = new AbortController());
    report.textContent = 'Cancel the report';
    queue
      .run(signal, () => saveReport(page, signal))
      .catch((error: unknown) => {
        if (!isStop(error)) complain('The report could not be made.', error);
      })
      .finally(() => {
        running = undefined;
        report.textContent = 'Make a report';
        byId('report-bar').hidden = true;
      });
  });
  page.watch(['explainer', 'scores'], ({explainer, scores}) => {
    save.disabled = explainer === undefined;
    report.disabled = scores === undefined;
  });
}

async function saveExplainer(page: Page): Promise<void> {
  const {explainer} = page.state;
  if (explainer === undefined) return;
  const {modelTopology, weightSpecs = [], weightData = new ArrayBuffer(0), ...rest} = await saveInMemory(explainer.distiller);
  const manifest = {...rest, modelTopology, weightsManifest: [{paths: ['explainer.weights.bin'], weights: weightSpecs}]};
  const files = {
    'explainer.json': strToU8(JSON.stringify(manifest)),
    'explainer.weights.bin': new Uint8Array(io.CompositeArrayBuffer.join(weightData)),
    'README.txt': strToU8(howTo),
  };
  download('explainer.zip', zipSync(files) as Uint8Array<ArrayBuffer>, 'application/zip');
  tell('The explainer is among your downloads.');
}

async function saveReport(page: Page, signal: AbortSignal): Promise<void> {
  const {picture, network, explainer, question} = page.state;
  if (picture === undefined || network === undefined) return;
  const {teacher} = network;
  const bar = byId<HTMLProgressElement>('report-bar');
  bar.hidden = false;
  const explainers: Record<string, Explainer> = {
    ...(explainer && {[methods.ours.name]: explainer.distiller}),
    ...(teacher.model && {'Grad-CAM': gradCamExplainer(teacher)}),
    RISE: riseExplainer(teacher, {numMasks: REPORT_MASKS}),
    LIME: limeExplainer(teacher, {numSamples: REPORT_SAMPLES, segmenter: segmenterFor(teacher)}),
  };
  const images = [picture.image];
  const rows = await compare({
    ...{explainers, images, model: teacher, signal, seed: SEED, batchSize: batchSizeFor(teacher)},
    metrics: ['insertion', 'deletion', 'seconds'],
    target: question.target ?? 'argmax',
    details: true,
    onProgress: ({done, total}) => {
      bar.value = done / total;
    },
  });
  const html = await explainReport({
    ...{images, rows, signal, names: [picture.name], title: `What ${network.name} looks at`},
    facts: {network: network.name, backend: page.state.backend?.backend ?? '', explainer: explainer?.origin ?? 'none'},
    ...(teacher.preprocessing && {preprocessing: teacher.preprocessing}),
    ...(teacher.labels && {labels: teacher.labels}),
    ...(explainer && explainer.training.length > 0 && {training: explainer.training}),
  });
  download('report.html', html, 'text/html');
  tell('The report is among your downloads.');
}
