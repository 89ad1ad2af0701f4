/** Distils an explainer in the page, with the loss and the map of the picture at hand as they change. */
import {AttentiveDistiller, batchesOf, draw, type DecodedImage, type TrainingProgress} from 'attentive-distiller';
import {byId, painted} from '../app/dom.js';
import type {Desk} from '../app/desk.js';
import {isPicture} from '../app/dropped.js';
import {complain, isStop, tell} from '../app/messages.js';
import {openPicture, trainingPictures} from '../app/pictures.js';
import {classInQuestion, type Page} from '../app/state.js';
import {SEED} from '../model/methods.js';
import {plotCurves} from './curve-plot.js';
import {COLORS, rangeOf} from './stage.js';

const FEWEST = 4;
/** A map of the picture at hand after so many steps. */
const LOOK_EVERY = 8;
const WIDEST_BATCH = 16;

export function setUpDistilling(page: Page, desk: Desk): void {
  const button = byId<HTMLButtonElement>('distil');
  const steps = byId<HTMLInputElement>('steps');
  const chooser = byId<HTMLInputElement>('training-photos');
  const back = byId<HTMLButtonElement>('ready-explainer');
  let photos: readonly DecodedImage[] = [];
  let running: AbortController | undefined;
  let ended: Promise<void> = Promise.resolve();

  const say = (text: string): void => {
    byId('distil-state').textContent = text;
  };
  const showSource = (): void => {
    const {network} = page.state;
    const own = photos.length >= FEWEST;
    byId('training-source').textContent = own
      ? `${photos.length} photos of yours.`
      : network?.isSample === false
        ? `photos of yours, like those that it is made for: ${FEWEST} at least, a few hundred for good maps.`
        : 'the 196 pictures that come with the page, or photos of yours.';
    button.disabled = running === undefined && !own && network?.isSample === false;
  };
  const train = async (signal: AbortSignal): Promise<void> => {
    const {network} = page.state;
    if (network === undefined) return;
    const pictures = photos.length >= FEWEST ? photos : await trainingPictures();
    const batchSize = Math.min(WIDEST_BATCH, pictures.length, network.teacher.inputShape[0] > 128 ? 4 : WIDEST_BATCH);
    say('Making the networks …');
    await painted();
    const distiller = await AttentiveDistiller.create({teacher: network.teacher, seed: SEED});
    const records: TrainingProgress[] = [];
    try {
      const fitting = distiller.fit(batchesOf(pictures, {batchSize, seed: SEED, flip: !network.isSample}), {
        budget: {steps: Number(steps.value)},
        signal,
      });
      for await (const record of fitting) {
        records.push(record);
        if (record.kind !== 'step') continue;
        const left = Number.isFinite(record.secondsLeft) ? `, ${Math.ceil(record.secondsLeft)} s left` : '';
        say(`Step ${record.done} of ${record.total}${left}`);
        byId<HTMLProgressElement>('distil-bar').value = record.done / record.total;
        showLosses(records);
        if (record.done % LOOK_EVERY === 1) await look(distiller, page);
        await painted();
      }
    } catch (error) {
      // What was learned until then stays.
      if (!isStop(error) || records.length === 0) {
        distiller.dispose();
        throw error;
      }
    }
    await look(distiller, page);
    running = undefined; // The desk waits for none.
    await desk.useExplainer({distiller, origin: 'distilled here', training: records});
    say(`Distilled in ${records.filter(({kind}) => kind === 'step').length} steps; its maps are the ones above now.`);
    tell('The new explainer draws the maps now.');
  };
  const stop = async (): Promise<void> => {
    if (running === undefined) return;
    running.abort(new DOMException('Stopped.', 'AbortError'));
    await ended;
  };

  button.addEventListener('click', () => {
    if (running !== undefined) return running.abort(new DOMException('Stopped.', 'AbortError'));
    running = new AbortController();
    button.textContent = 'Stop, and keep what was learned';
    byId('distil-bar').hidden = false;
    byId('live').hidden = false;
    ended = train(running.signal)
      .catch((error: unknown) => {
        say('');
        if (!isStop(error)) complain('Distilling failed.', error);
      })
      .finally(() => {
        running = undefined;
        button.textContent = 'Distil';
        byId('distil-bar').hidden = true;
        showSource();
      });
  });
  byId('choose-training-photos').addEventListener('click', () => chooser.click());
  chooser.addEventListener('change', () => {
    const files = Array.from(chooser.files ?? []).filter(isPicture);
    chooser.value = '';
    Promise.all(files.map((file) => openPicture(file, file.name))).then(
      (opened) => {
        photos = opened.map(({image}) => image);
        showSource();
      },
      (error: unknown) => complain('One of these photos cannot be read.', error),
    );
  });
  steps.addEventListener('input', () => {
    byId('steps-now').textContent = steps.value;
  });
  back.addEventListener('click', () => {
    desk.useReadyExplainer().catch((error: unknown) => complain('The explainer of the page cannot be loaded.', error));
  });
  page.watch(['network', 'explainer'], ({network, explainer}) => {
    byId('explainer-now').textContent = explainer === undefined ? 'none for this network yet' : explainer.origin;
    back.hidden = explainer?.origin !== 'distilled here' || network?.isSample !== true;
    showSource();
  });
  desk.stopsFirst({stop});
}

async function look(distiller: AttentiveDistiller, page: Page): Promise<void> {
  const {picture} = page.state;
  if (picture === undefined) return;
  const target = classInQuestion(page.state) ?? 'argmax';
  const [map] = await distiller.explain([picture.image], {target});
  if (map !== undefined) draw(byId<HTMLCanvasElement>('live-map'), picture.image, map, {colormap: COLORS, opacity: 0.75, ...rangeOf(map)});
}

function showLosses(records: readonly TrainingProgress[]): void {
  const points = records.filter(({kind}) => kind === 'step').map(({done, losses}) => [done, losses['total'] ?? 0] as const);
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || 1) * 0.1;
  plotCurves(byId('losses') as unknown as SVGSVGElement, [{name: 'loss', style: 'loss', points}], {
    xName: 'step',
    yName: 'loss, lower is better',
    xEnd: records.at(-1)?.total ?? points.length,
    until: points.at(-1)?.[0] ?? 0,
    yDomain: [low - room, high + room],
    percent: false,
  });
}
