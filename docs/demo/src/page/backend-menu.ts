/** Which backend computes, why, and another at the visitor's wish. */
import {byId} from '../app/dom.js';
import type {Desk} from '../app/desk.js';
import {complain, tell} from '../app/messages.js';
import type {Page} from '../app/state.js';
import {backendChoices, backendNames, choiceOfAddress, type BackendChoice} from '../model/backend.js';

export function setUpBackends(page: Page, desk: Desk): void {
  const menu = byId<HTMLSelectElement>('backend');
  for (const choice of backendChoices) menu.append(new Option(choice === 'auto' ? 'Fastest here' : backendNames[choice], choice));
  menu.value = choiceOfAddress();
  let before = menu.value;
  menu.addEventListener('change', () => {
    const choice = menu.value as BackendChoice;
    menu.disabled = true;
    tell(`Changing to ${choice === 'auto' ? 'the fastest backend' : backendNames[choice]} …`);
    desk
      .useBackend(choice)
      .then(
        () => {
          before = choice;
          tell(`Computing on ${backendNames[page.state.backend?.backend ?? ''] ?? ''} now.`);
        },
        (error: unknown) => {
          menu.value = before;
          tell('');
          complain('This backend does not work here; the one before stays.', error);
        },
      )
      .finally(() => {
        menu.disabled = false;
      });
  });
  page.watch(['backend'], ({backend}) => {
    if (backend === undefined) return;
    const name = backendNames[backend.backend] ?? backend.backend;
    byId('backend-now').textContent = `Computing on ${name}${backend.adapter === undefined ? '' : ` (${backend.adapter})`}`;
    byId('backend-why').textContent = backend.unavailable
      .map(({name: other, reason}) => `Not ${backendNames[other] ?? other}: ${reason}`)
      .join(' ');
  });
}
