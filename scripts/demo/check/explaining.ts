/** The walk of somebody who looks: another class, one rather than another, a run that is stopped, the slider, the dial. */
import assert from 'node:assert/strict';
import type {Visit} from './visit.js';

/** The first sample has two signs far from each other. */
const FAR = 0.3;
const AT_ONCE_MS = 1000;

export async function askOtherClass(visit: Visit): Promise<void> {
  const {page} = visit;
  const before = await visit.peakOf('ours');
  await page.click('#classes button:has-text("star")');
  await visit.says('#caption', /speaks for star/);
  await visit.mapOf('ours');
  const after = await visit.peakOf('ours');
  const moved = Math.hypot(after.x - before.x, after.y - before.y);
  assert.ok(moved > FAR, `the map of another class has its peak elsewhere, but it moved by ${moved.toFixed(2)} of the picture`);
  await page.selectOption('#against', {label: 'crescent'});
  await visit.says('#caption', /star rather than crescent/);
  await visit.mapOf('grad-cam');
  await page.selectOption('#against', '');
}

/** Cancels a run of RISE. @returns Milliseconds from the click to its end, as the page has it. */
export async function cancelRise(visit: Visit): Promise<number> {
  const {page} = visit;
  await page.click('#run-rise');
  await visit.says('[data-method="rise"] .state', /^[1-9]\d? %/);
  const took = await page.evaluate(
    (patience) =>
      new Promise<number>((resolve) => {
        const clicked = performance.now();
        const card = document.querySelector<HTMLElement>('[data-method="rise"]') as HTMLElement;
        new MutationObserver(() => {
          if (card.dataset['kind'] === 'cancelled') resolve(performance.now() - clicked);
        }).observe(card, {attributes: true});
        document.querySelector<HTMLElement>('#run-rise')?.click();
        setTimeout(() => resolve(Infinity), patience);
      }),
    10 * AT_ONCE_MS,
  );
  assert.ok(took < AT_ONCE_MS, `RISE is cancelled ${took.toFixed(0)} ms after the click`);
  assert.match((await page.textContent('[data-method="rise"] .state')) ?? '', /Cancelled/);
  return took;
}

export async function runLime(visit: Visit): Promise<void> {
  await visit.page.click('#run-lime');
  await visit.mapOf('lime');
  await visit.says('#caption', /LIME/);
  await visit.page.selectOption('#shown', 'ours');
}

/** Takes the pixels of the map away: the network has to lose the class. */
export async function moveSlider(visit: Visit): Promise<void> {
  const {page} = visit;
  await page.waitForSelector('#share:enabled');
  const at = async (share: string): Promise<number> => {
    await page.fill('#share', share);
    return Number(/(\d+) % sure/.exec((await page.textContent('#sure')) ?? '')?.[1]);
  };
  const shown = (): Promise<string> => page.$eval('#exchanged', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const [whole, first] = [await at('0'), await shown()];
  const path = await page.getAttribute('#curve .grown', 'd');
  const [less, then] = [await at('0.3'), await shown()];
  assert.ok(less < whole / 2, `with 30 % of the pixels gone the network should lose the class, but goes from ${whole} to ${less} %`);
  assert.notEqual(first, then, 'the picture does not change with the slider');
  assert.notEqual(path, await page.getAttribute('#curve .grown', 'd'), 'the curve does not grow');
  await page.check('#ways input[value="insertion"]');
  assert.ok((await at('1')) >= whole - 1, 'with all pixels in, the network is as sure as at first');
  await page.check('#ways input[value="deletion"]');
  await page.fill('#share', '1');
  await page.click('#play');
  await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>('#share')?.value) >= 0.1);
  await page.click('#play');
}

export async function refine(visit: Visit): Promise<void> {
  const before = await visit.page.$eval('[data-method="ours"] canvas', (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  await visit.page.fill('#refine', '10');
  await visit.page.waitForFunction((old) => {
    const card = document.querySelector<HTMLElement>('[data-method="ours"]');
    return card?.dataset['kind'] === 'done' && card.querySelector('canvas')?.toDataURL() !== old;
  }, before);
  await visit.page.fill('#refine', '0');
  await visit.mapOf('ours');
}

export async function measureSpeed(visit: Visit): Promise<string> {
  await visit.page.click('#measure-speed');
  const words = await visit.says('#rates-say', /plain predictions/);
  const rows = await visit.page.$$eval('#rates li', (list) => list.map((row) => row.textContent ?? ''));
  assert.ok(rows.length >= 3 && rows.every((row) => /\d/.test(row)), `rates: ${rows.join('; ')}`);
  return words;
}

/** The browser's own test picture takes the place of a camera. */
export async function useCamera(visit: Visit): Promise<string> {
  const {page} = visit;
  await page.click('#camera');
  const words = await visit.says('#caption', /Live: .*\d maps per second/);
  await page.click('#camera');
  await visit.says('#caption', /speaks for|nothing/);
  await visit.says('#news', /in the camera/);
  await page.check('#samples input[value="0"]', {force: true});
  await visit.says('#news', /in the sample/);
  await visit.mapOf('ours');
  return words;
}

export async function changeBackend(visit: Visit, to: string, name: RegExp): Promise<void> {
  await visit.page.selectOption('#backend', to);
  await visit.says('#backend-now', name);
  await visit.page.waitForSelector('#backend:enabled');
  await visit.mapOf('ours');
}
