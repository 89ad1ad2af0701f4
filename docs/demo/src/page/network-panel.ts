/** Which network is explained: the one of the page, files, a folder, or an address. */
import {byId} from '../app/dom.js';
import type {Desk} from '../app/desk.js';
import {aboutNetwork} from '../app/explaining.js';
import {complain, forgetComplaints, tell} from '../app/messages.js';
import type {Page} from '../app/state.js';
import type {PreprocessingChoice} from '../model/network.js';

/** @returns What takes a network of files, as dropped ones. */
export function setUpNetworks(page: Page, desk: Desk): (files: readonly File[]) => Promise<void> {
  const choice = byId<HTMLSelectElement>('preprocessing');
  const chosen = (): PreprocessingChoice => choice.value as PreprocessingChoice;
  // What is there may be asked for again with another preprocessing.
  let latest: (() => Promise<void>) | undefined;

  const take = async (what: string, use: () => Promise<void>): Promise<void> => {
    tell(`Opening ${what} …`);
    document.body.setAttribute('aria-busy', 'true');
    try {
      await use();
      forgetComplaints();
      tell(`${page.state.network?.name ?? what} is the network now.`);
    } catch (error) {
      tell('');
      complain(`${what} is no network that can be explained here; ${page.state.network?.name ?? 'none'} stays.`, error);
    } finally {
      document.body.removeAttribute('aria-busy');
    }
  };
  const takeFiles = (files: readonly File[]): Promise<void> => {
    latest = () => takeFiles(files);
    return take(files.map(({name}) => name).join(', '), () => desk.useFiles(files, chosen()));
  };

  for (const id of ['network-files', 'network-folder']) {
    const chooser = byId<HTMLInputElement>(id);
    byId(`choose-${id}`).addEventListener('click', () => chooser.click());
    chooser.addEventListener('change', () => {
      const files = Array.from(chooser.files ?? []);
      chooser.value = '';
      if (files.length > 0) void takeFiles(files);
    });
  }
  byId<HTMLFormElement>('network-address').addEventListener('submit', (event) => {
    event.preventDefault();
    const address = byId<HTMLInputElement>('address').value.trim();
    const takeAddress = (): Promise<void> => take(address, () => desk.useAddress(address, chosen()));
    latest = takeAddress;
    void takeAddress();
  });
  choice.addEventListener('change', () => {
    if (page.state.network?.isSample === false) void latest?.();
  });
  byId('use-sample').addEventListener('click', () => void take('the network of this page', () => desk.useSample()));
  page.watch(['network'], ({network}) => {
    byId('network-name').textContent = network?.name ?? 'none yet';
    byId('network-about').textContent = aboutNetwork(page);
    byId<HTMLButtonElement>('use-sample').hidden = network?.isSample !== false;
  });
  return takeFiles;
}
