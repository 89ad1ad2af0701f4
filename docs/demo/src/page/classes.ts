/** What the network says, class by class; a click asks why, a second list asks "rather than which". */
import {byId, h} from '../app/dom.js';
import {classInQuestion, className, type Page} from '../app/state.js';

/** Classes that are listed; of a thousand, the likeliest. */
const LISTED = 8;

function percentOf(share: number): string {
  return share < 0.0005 ? '< 0.1 %' : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

export function setUpClasses(page: Page): void {
  const list = byId('classes');
  const against = byId<HTMLSelectElement>('against');
  against.addEventListener('change', () => {
    const value = against.value === '' ? undefined : Number(against.value);
    page.set({question: {...page.state.question, against: value}});
  });
  page.watch(['scores', 'question', 'network'], (state) => {
    const {scores, network, question} = state;
    const asked = classInQuestion(state);
    if (scores === undefined || asked === undefined) {
      list.replaceChildren(h('li', {class: 'soft'}, 'The network is being asked …'));
      against.disabled = true;
      return;
    }
    const order = scores.map((_, index) => index).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['class'] : undefined;
    list.replaceChildren(
      ...order.slice(0, LISTED).map((index) => {
        const share = scores[index] ?? 0;
        const button = h(
          'button',
          {type: 'button', class: 'class', 'aria-pressed': index === asked ? 'true' : 'false', 'data-class': index},
          h('span', {class: 'bar', style: `--share:${share.toFixed(4)}`, 'aria-hidden': 'true'}),
          h('span', {class: 'label'}, className(network, index)),
          h('span', {class: 'number'}, percentOf(share)),
        );
        button.addEventListener('click', () => {
          const other = question.against === index ? undefined : question.against;
          page.set({question: {target: index, against: other}});
        });
        return h('li', {}, button);
      }),
    );
    if (focused !== undefined) list.querySelector<HTMLElement>(`[data-class="${focused}"]`)?.focus();
    const others = order.slice(0, 4 * LISTED).filter((index) => index !== asked);
    against.disabled = others.length === 0;
    against.replaceChildren(
      new Option('anything else', ''),
      ...others.map((index) => new Option(className(network, index), String(index))),
    );
    against.value = question.against === undefined ? '' : String(question.against);
    byId('asked').textContent = className(network, asked);
  });
}
