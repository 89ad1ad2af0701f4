/** Sets the page up, and explains the first sample. */
import './style/main.css';
import {Desk} from './app/desk.js';
import {byId} from './app/dom.js';
import {Explaining} from './app/explaining.js';
import {complain} from './app/messages.js';
import {listSamples, openSample} from './app/pictures.js';
import {newPage} from './app/state.js';
import {WorkQueue} from './app/work-queue.js';
import {choiceOfAddress, startBackend} from './model/backend.js';
import {setUpBackends} from './page/backend-menu.js';
import {setUpCamera} from './page/camera.js';
import {setUpClasses} from './page/classes.js';
import {setUpDistilling} from './page/distil-panel.js';
import {setUpExchange} from './page/exchange-panel.js';
import {setUpExport} from './page/export-panel.js';
import {setUpMethods} from './page/method-cards.js';
import {setUpNetworks} from './page/network-panel.js';
import {setUpPictures} from './page/picture-panel.js';
import {setUpSpeed} from './page/speed-panel.js';
import {setUpStage} from './page/stage.js';
import {setUpTheme} from './page/theme.js';

setUpTheme();
const page = newPage();
const queue = new WorkQueue();
const explaining = new Explaining(page, queue);
const desk = new Desk(page, queue, explaining);

setUpStage(page);
setUpClasses(page);
setUpMethods(page, explaining);
setUpExchange(page, queue);
setUpSpeed(page, queue);
setUpDistilling(page, desk);
setUpExport(page, queue);
setUpBackends(page, desk);
const refine = byId<HTMLInputElement>('refine');
refine.addEventListener('input', () => {
  byId('refine-now').textContent = refine.value;
});
refine.addEventListener('change', () => page.set({refine: Number(refine.value), shown: 'ours'}));
page.watch(['refine', 'network', 'explainer'], ({refine: steps, network, explainer}) => {
  refine.value = String(steps);
  byId('refine-now').textContent = String(steps);
  // It goes on with the network's own gradient.
  refine.disabled = explainer === undefined || network === undefined || network.teacher.scores !== undefined;
});
void setUpCamera(page, desk);
page.watch(['maps'], ({maps}) => {
  // For whoever measures how long it takes.
  if (maps.ours.kind === 'done' && performance.getEntriesByName('first map').length === 0) performance.mark('first map');
});

try {
  const [samples, backend] = await Promise.all([listSamples(), startBackend(choiceOfAddress())]);
  page.set({backend});
  setUpPictures(page, samples, setUpNetworks(page, desk));
  const [picture] = await Promise.all([openSample(samples, 0), desk.useSample()]);
  page.set({picture});
} catch (error) {
  complain('The page could not start.', error);
}
