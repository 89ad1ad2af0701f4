/** What went wrong or was done, said in words: errors stay until they are closed or something succeeds, news are read out. */
import {byId, h} from './dom.js';

/** Says that something failed; the rest of the page goes on. */
export function complain(what: string, error: unknown): void {
  const detail = error instanceof Error ? error.message : String(error);
  const close = h('button', {type: 'button', class: 'quiet', 'aria-label': 'Close this message'}, '×');
  const box = h('div', {class: 'complaint'}, h('p', {}, h('strong', {}, what), ' ', h('span', {}, detail)), close);
  close.addEventListener('click', () => box.remove());
  byId('complaints').replaceChildren(box);
}

/** Takes what was complained about away. */
export function forgetComplaints(): void {
  byId('complaints').replaceChildren();
}

/** Says what was done, below the header and to a screen reader. */
export function tell(text: string): void {
  byId('news').textContent = text;
}

/** Whether an error is the reason of a signal: somebody wanted it so. */
export function isStop(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
