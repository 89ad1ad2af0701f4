/** A card for each method: its map, what it cost, and a button that starts or stops it. */
import {draw} from 'attentive-distiller';
import {toRgba} from 'attentive-distiller/render';
import {byId, h, putImage} from '../app/dom.js';
import type {Explaining} from '../app/explaining.js';
import {methodIds, type MapState, type MethodId, type Page, type State} from '../app/state.js';
import {methods} from '../model/methods.js';
import {COLORS, rangeOf} from './stage.js';

export function setUpMethods(page: Page, explaining: Explaining): void {
  byId('methods').replaceChildren(...methodIds.map((id) => cardOf(id, page, explaining)));
}

function cardOf(id: MethodId, page: Page, explaining: Explaining): HTMLElement {
  const {name, about} = methods[id];
  const canvas = h('canvas', {class: 'map', role: 'img', 'aria-label': `No map of ${name} yet`});
  const look = h('button', {type: 'button', class: 'look', 'aria-pressed': 'false', 'aria-label': `Show ${name} on the picture`}, canvas);
  const bar = h('progress', {max: 1, 'aria-label': `${name}: progress`, hidden: true});
  const state = h('p', {class: 'state'});
  const button = h('button', {type: 'button', class: 'run', id: `run-${id}`}, 'Run');
  const card = h(
    'li',
    {class: 'card method', 'data-method': id},
    look,
    h('h3', {}, name),
    h('p', {class: 'soft'}, about),
    state,
    bar,
    button,
  );
  look.addEventListener('click', () => page.set({shown: id}));
  button.addEventListener('click', () => {
    if (page.state.maps[id].kind === 'running') explaining.cancel(id);
    else {
      page.set({shown: id});
      void explaining.start(id);
    }
  });
  page.watch(['shown'], ({shown}) => look.setAttribute('aria-pressed', String(shown === id)));
  page.watch(['maps', 'scores'], (now) => {
    const map = now.maps[id];
    card.dataset['kind'] = map.kind;
    state.textContent = wordsOf(map);
    bar.hidden = map.kind !== 'running';
    if (map.kind === 'running' && map.fraction !== undefined) bar.value = map.fraction;
    else bar.removeAttribute('value');
    button.textContent = map.kind === 'running' ? 'Cancel' : map.kind === 'done' ? 'Run again' : 'Run';
    button.setAttribute('aria-label', `${button.textContent}: ${name}`);
    button.hidden = map.kind === 'refused';
    button.disabled = now.scores === undefined;
    show(canvas, name, map, now);
  });
  return card;
}

function show(canvas: HTMLCanvasElement, name: string, map: MapState, {picture}: State): void {
  if (map.kind === 'done' && picture !== undefined) {
    draw(canvas, picture.image, map.map, {colormap: COLORS, opacity: 1, ...rangeOf(map.map)});
    canvas.setAttribute('aria-label', map.map.empty ? `${name}: nothing speaks for the class` : `The map of ${name}`);
  } else if (map.kind !== 'running') {
    // The picture alone, faintly, until there is a map.
    if (picture !== undefined) putImage(canvas, toRgba(picture.image));
    canvas.setAttribute('aria-label', `No map of ${name} yet`);
  }
}

function wordsOf(map: MapState): string {
  switch (map.kind) {
    case 'none':
      return 'Not run yet';
    case 'refused':
      return map.why;
    case 'failed':
      return 'Failed, see above';
    case 'cancelled':
      return 'Cancelled';
    case 'running':
      return map.fraction === undefined ? 'Waiting for its turn …' : `${Math.round(100 * map.fraction)} %`;
    case 'done':
      return map.map.empty ? `Nothing found, in ${durationOf(map.ms)}` : `Drawn in ${durationOf(map.ms)}`;
  }
}

export function durationOf(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
