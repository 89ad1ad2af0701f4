/** Whether everybody gets at everything: with the keys alone, on 360 pixels, and as axe-core judges. */
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import type {AxeResults} from 'axe-core';
import type {Visit} from './visit.js';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const MOST_TABS = 120;

/** @returns How many rules passed. */
export async function askAxe({page}: Visit, state: string): Promise<number> {
  await page.addScriptTag({path: axe});
  const {violations, passes} = await page.evaluate(
    () => (globalThis as unknown as {axe: {run(): Promise<AxeResults>}}).axe.run() as Promise<AxeResults>,
  );
  const found = violations.map(({id, nodes}) => `${id}: ${nodes.map(({html, failureSummary}) => `${html} ${failureSummary}`).join('; ')}`);
  assert.deepEqual(found, [], `axe on the page ${state}`);
  return passes.length;
}

/** Nothing scrolls sideways, and nothing is cut off at the edge of what it lies in. */
export async function fitsInto({page}: Visit, width: number): Promise<void> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `the page is ${wide} pixels wide on a screen of ${width}`);
  const outside = await page.$$eval(
    'body *',
    (all, edge) =>
      all
        .filter((each) => each instanceof HTMLElement && each.closest('.unseen, .skip') === null && each.offsetParent !== null)
        .filter((each) => each.getBoundingClientRect().right > edge + 0.5)
        .map((each) => `${each.tagName} ${each.id || each.className}`),
    width,
  );
  assert.deepEqual(outside, [], `these reach beyond a screen of ${width}`);
}

/** Goes over the whole page with the tab key; what has the focus must show it, and nothing may be left out. */
export async function tabThrough({page}: Visit): Promise<number> {
  const seen = new Set<string>();
  for (let tab = 0; tab < MOST_TABS; tab++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const looks = [element, element.closest('.sample')].filter((each) => each !== null);
      const name = element.id || `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent}`;
      return {name: element === document.body ? '' : name, isMarked: looks.some((each) => getComputedStyle(each).outlineStyle !== 'none')};
    });
    if (at.name === '' || seen.has(at.name)) break;
    assert.ok(at.isMarked, `${at.name} does not show that it has the focus`);
    seen.add(at.name);
  }
  const wanted = [
    'backend',
    'theme',
    'shown',
    'opacity',
    'choose-photo',
    'against',
    'run-ours',
    'run-rise',
    'refine',
    'play',
    'share',
    'distil',
    'save-report',
  ];
  for (const id of wanted) assert.ok(seen.has(id), `the tab key does not lead to ${id}, only to ${[...seen].join(', ')}`);
  return seen.size;
}

/** Chooses a sample, asks about a class, runs and stops RISE and moves the slider, all with keys. */
export async function useKeys(visit: Visit): Promise<void> {
  const {page} = visit;
  await page.focus('#samples input:checked');
  await page.keyboard.press('ArrowRight');
  await visit.says('#news', /cross and ring/);
  await visit.mapOf('ours');
  await page.focus('#classes li:nth-child(2) button');
  const name = (await page.textContent('#classes li:nth-child(2) .label')) ?? '';
  await page.keyboard.press('Enter');
  await visit.says('#caption', new RegExp(`speaks for ${name}|nothing that speaks for ${name}`));
  const focused = await page.evaluate(() => document.activeElement?.querySelector('.label')?.textContent);
  assert.equal(focused, name, 'the focus is lost when a class is chosen');
  await page.focus('#run-rise');
  await page.keyboard.press('Enter');
  await visit.says('[data-method="rise"] .state', /^\d+ %/);
  await page.keyboard.press('Enter');
  await visit.mapOf('rise', 'cancelled');
  await page.selectOption('#shown', 'ours');
  await page.waitForSelector('#share:enabled');
  await page.focus('#share');
  const before = await page.textContent('#sure');
  for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowRight');
  assert.notEqual(await page.textContent('#sure'), before, 'the arrow keys do not move the slider');
}
