/** How many maps a second, beside plain predictions; measured here and now, each for a second. */
import {toNetworkInput} from 'attentive-distiller';
import {byId, h, painted} from '../app/dom.js';
import {complain, isStop} from '../app/messages.js';
import {classInQuestion, type Page} from '../app/state.js';
import type {WorkQueue} from '../app/work-queue.js';
import {methods} from '../model/methods.js';
import {predict} from '../model/scores.js';

const SECONDS = 1;
const AT_LEAST = 3;

interface Rate {
  readonly name: string;
  readonly perSecond: number;
}

export function setUpSpeed(page: Page, queue: WorkQueue): void {
  const button = byId<HTMLButtonElement>('measure-speed');
  button.addEventListener('click', () => {
    button.disabled = true;
    queue
      .run(new AbortController().signal, () => measure(page))
      .then(
        (rates) => showRates(rates, page),
        (error: unknown) => {
          if (!isStop(error)) complain('The speed could not be measured.', error);
        },
      )
      .finally(() => {
        button.disabled = false;
      });
  });
  page.watch(['backend', 'network'], () => byId('rates').replaceChildren());
}

async function measure(page: Page): Promise<Rate[]> {
  const {picture, network, explainer} = page.state;
  const target = classInQuestion(page.state);
  if (picture === undefined || network === undefined || target === undefined) return [];
  const {teacher} = network;
  const input = toNetworkInput([picture.image], teacher);
  try {
    const rates = [{name: 'Plain prediction', perSecond: await rateOf(() => predict(input, teacher))}];
    for (const id of ['ours', 'grad-cam'] as const) {
      const task = {picture: {name: picture.name, image: picture.image}, teacher, explainer, refine: 0, target};
      if (methods[id].refusal(task) !== undefined) continue;
      rates.push({name: methods[id].name, perSecond: await rateOf(() => methods[id].draw(task))});
    }
    for (const id of ['rise', 'lime'] as const) {
      const map = page.state.maps[id];
      // Once is enough for what takes seconds.
      if (map.kind === 'done') rates.push({name: methods[id].name, perSecond: 1000 / map.ms});
    }
    return rates;
  } finally {
    input.dispose();
  }
}

async function rateOf(run: () => Promise<unknown>): Promise<number> {
  await run();
  await painted();
  const started = performance.now();
  let count = 0;
  while (count < AT_LEAST || performance.now() - started < 1000 * SECONDS) {
    await run();
    count++;
  }
  return (1000 * count) / (performance.now() - started);
}

function showRates(rates: readonly Rate[], page: Page): void {
  const most = Math.max(...rates.map(({perSecond}) => perSecond));
  const [plain] = rates;
  byId('rates').replaceChildren(
    ...rates.map(({name, perSecond}) =>
      h(
        'li',
        {},
        h('span', {class: 'bar', style: `--share:${(perSecond / most).toFixed(4)}`, 'aria-hidden': 'true'}),
        h('span', {class: 'label'}, name),
        h('span', {class: 'number'}, `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toPrecision(2)} per second`),
      ),
    ),
  );
  const ours = rates.find(({name}) => name === methods.ours.name);
  byId('rates-say').textContent =
    plain === undefined || ours === undefined
      ? ''
      : `A map costs ${(plain.perSecond / ours.perSecond).toFixed(1)} plain predictions on ${page.state.backend?.backend ?? 'this backend'}; of a larger network, fewer.`;
}
