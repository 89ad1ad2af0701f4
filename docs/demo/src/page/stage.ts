/** The picture, large, with the map of one method over it. */
import {draw} from 'attentive-distiller';
import {toRgba} from 'attentive-distiller/render';
import {byId, putImage} from '../app/dom.js';
import {methods} from '../model/methods.js';
import {classInQuestion, className, methodIds, type MethodId, type Page, type State} from '../app/state.js';

/** Dark where nothing speaks for the class, bright where much does. */
export const COLORS = 'inferno';

export function setUpStage(page: Page): void {
  const canvas = byId<HTMLCanvasElement>('picture');
  const opacity = byId<HTMLInputElement>('opacity');
  const shown = byId<HTMLSelectElement>('shown');
  opacity.addEventListener('input', () => page.set({opacity: Number(opacity.value)}));
  shown.addEventListener('change', () => page.set({shown: shown.value as MethodId}));
  page.watch(['shown'], (state) => {
    shown.value = state.shown;
  });
  page.watch(['picture', 'maps', 'shown', 'opacity', 'network'], (state) => {
    const {picture} = state;
    if (picture === undefined) return;
    const map = state.maps[state.shown];
    const drawn = map.kind === 'done' ? map.map : undefined;
    if (drawn === undefined || drawn.empty) putImage(canvas, toRgba(picture.image));
    else {
      const fit = state.network?.teacher.preprocessing?.fit ?? 'squash';
      draw(canvas, picture.image, drawn, {colormap: COLORS, opacity: state.opacity, fit, ...rangeOf(drawn)});
    }
    const words = caption(state);
    byId('caption').textContent = words;
    canvas.setAttribute('aria-label', words);
  });
  for (const id of methodIds) shown.append(new Option(methods[id].name, id));
}

/** Negative values speak against the class, and are shown as nothing. */
export function rangeOf({data}: {readonly data: Float32Array}): {range?: readonly [number, number]} {
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low < 0 && high > 0 ? {range: [0, high]} : {};
}

function caption(state: State): string {
  const {picture, network, shown, maps, question} = state;
  const target = classInQuestion(state);
  if (picture === undefined || target === undefined) return picture === undefined ? 'No picture yet' : `A picture: ${picture.name}`;
  const map = maps[shown];
  const about = `${className(network, target)}${question.against === undefined ? '' : ` rather than ${className(network, question.against)}`}`;
  if (map.kind === 'done' && map.map.empty) return `${methods[shown].name} finds nothing that speaks for ${about}`;
  return map.kind === 'done' ? `${methods[shown].name}: what speaks for ${about}` : `${picture.name}; no map of ${methods[shown].name} yet`;
}
