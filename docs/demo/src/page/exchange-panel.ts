/** The slider that puts the most important pixels in, or takes them away, and the curve beside it. */
import {toRgba} from 'attentive-distiller/render';
import {byId, putImage} from '../app/dom.js';
import {complain, isStop} from '../app/messages.js';
import {classInQuestion, className, type Page} from '../app/state.js';
import type {WorkQueue} from '../app/work-queue.js';
import {exchangeOf, shownAfter, SMALL, type Exchange} from '../model/exchange.js';
import {methods} from '../model/methods.js';
import {heightAt, plotCurves, type Curve} from './curve-plot.js';

const STEP = 0.01;
const FRAME_MS = 40;

type Way = 'insertion' | 'deletion';

export function setUpExchange(page: Page, queue: WorkQueue): void {
  const slider = byId<HTMLInputElement>('share');
  const play = byId<HTMLButtonElement>('play');
  const measure = byId<HTMLButtonElement>('measure');
  const plot = byId('curve') as unknown as SVGSVGElement;
  const ways = byId<HTMLFieldSetElement>('ways');
  let exchange: Exchange | undefined;
  let running = new AbortController();
  let timer: ReturnType<typeof setInterval> | undefined;

  const way = (): Way => (ways.querySelector<HTMLInputElement>('input:checked')?.value === 'insertion' ? 'insertion' : 'deletion');
  const show = (): void => {
    const has = exchange !== undefined;
    const canvas = byId<HTMLCanvasElement>('exchanged');
    for (const control of [slider, play]) control.disabled = !has;
    if (exchange === undefined) {
      plotCurves(plot, [], {xName: 'pixels exchanged', yName: 'probability'});
      byId('sure').textContent = '';
      const {picture} = page.state;
      if (picture !== undefined) putImage(canvas, toRgba(picture.image));
      return;
    }
    const share = Number(slider.value);
    const {width, height} = exchange;
    const data = shownAfter(exchange, way(), Math.round(share * width * height));
    putImage(canvas, {data, width, height});
    const curve = curveOf(exchange, way());
    const now = heightAt(curve.points, share);
    const name = className(page.state.network, exchange[way()].target);
    plotCurves(plot, [curve], {
      xName: way() === 'insertion' ? 'pixels put in' : 'pixels taken away',
      yName: `probability of ${name}`,
      until: share,
    });
    const verb = way() === 'insertion' ? 'put in' : 'taken away';
    const sentence = `${Math.round(100 * share)} % ${verb}: ${(100 * now).toFixed(0)} % sure of ${name}`;
    byId('sure').textContent = sentence;
    slider.setAttribute('aria-valuetext', sentence);
    byId('area').textContent =
      `Area below the curve: ${exchange[way()].auc.toFixed(3)}. ${way() === 'insertion' ? 'Higher' : 'Lower'} is better.`;
  };
  const pause = (): void => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = 'Play';
  };
  const forget = (): void => {
    running.abort(new DOMException('Another map.', 'AbortError'));
    running = new AbortController();
    exchange = undefined;
    pause();
    byId('area').textContent = '';
    show();
  };
  const start = async (): Promise<void> => {
    const {picture, network, maps, shown} = page.state;
    const map = maps[shown];
    const target = classInQuestion(page.state);
    if (picture === undefined || network === undefined || target === undefined || map.kind !== 'done') return;
    measure.hidden = true;
    const {signal} = running;
    try {
      const onProgress = ({done, total}: {readonly done: number; readonly total: number}): void => {
        byId('area').textContent = `Asking the network: ${Math.round((100 * done) / total)} %`;
      };
      const made = await queue.run(signal, () => exchangeOf(picture.image, map.map, network.teacher, target, {signal, onProgress}));
      if (signal.aborted) return;
      exchange = made;
      show();
    } catch (error) {
      if (!isStop(error)) complain('Insertion and deletion could not be measured.', error);
    }
  };

  slider.addEventListener('input', () => {
    pause();
    show();
  });
  ways.addEventListener('change', show);
  measure.addEventListener('click', () => void start());
  play.addEventListener('click', () => {
    if (timer !== undefined) return pause();
    if (Number(slider.value) >= 1) slider.value = '0';
    play.textContent = 'Pause';
    timer = setInterval(() => {
      slider.value = String(Number(slider.value) + STEP);
      show();
      if (Number(slider.value) >= 1) pause();
    }, FRAME_MS);
  });
  new ResizeObserver(show).observe(plot);
  let before: unknown;
  page.watch(['maps', 'shown', 'scores'], ({maps, shown, network, picture}) => {
    const map = maps[shown];
    const current = map.kind === 'done' ? map.map : undefined;
    if (current === before) return;
    before = current;
    forget();
    byId('exchanged-of').textContent = methods[shown].name;
    const isSmall = network !== undefined && network.teacher.inputShape[0] * network.teacher.inputShape[1] <= SMALL;
    measure.hidden = current === undefined || isSmall || picture === undefined;
    if (current !== undefined && isSmall) void start();
  });
  show();
}

function curveOf(exchange: Exchange, way: Way): Curve {
  const {curve, fractions} = exchange[way];
  return {name: way, style: way, points: fractions.map((x, index) => [x, curve[index] ?? 0])};
}
