/** Where pictures come from: samples, files, the clipboard, and whatever is dropped on the page. */
import {filesOf, isNetwork} from '../app/dropped.js';
import {byId, h} from '../app/dom.js';
import {complain, forgetComplaints} from '../app/messages.js';
import {openPicture, openSample, type Sample} from '../app/pictures.js';
import {noQuestion, type Page, type Picture} from '../app/state.js';

export function setUpPictures(page: Page, samples: readonly Sample[], takeNetwork: (files: readonly File[]) => Promise<void>): void {
  const take = async (name: string, open: () => Promise<Picture>): Promise<void> => {
    try {
      const picture = await open();
      forgetComplaints();
      page.set({picture, question: noQuestion});
    } catch (error) {
      complain(`${name} cannot be shown.`, error);
    }
  };
  const strip = byId('samples');
  strip.append(
    ...samples.map(({file, shows}, index) => {
      const radio = h('input', {type: 'radio', name: 'sample', value: index, 'aria-label': shows.join(' and ')});
      radio.addEventListener('change', () => void take('This sample', () => openSample(samples, index)));
      return h('label', {class: 'sample'}, radio, h('img', {src: `samples/${file}`, alt: '', width: 64, height: 64}));
    }),
  );
  page.watch(['picture'], ({picture}) => {
    for (const radio of strip.querySelectorAll('input')) radio.checked = Number(radio.value) === picture?.sample;
  });
  const takeFiles = async (files: readonly File[]): Promise<void> => {
    if (isNetwork(files)) return takeNetwork(files);
    const [file] = files;
    if (file !== undefined) await take(file.name === '' ? 'This file' : file.name, () => openPicture(file, file.name));
  };
  const chooser = byId<HTMLInputElement>('photo');
  byId('choose-photo').addEventListener('click', () => chooser.click());
  chooser.addEventListener('change', () => {
    void takeFiles(Array.from(chooser.files ?? []));
    chooser.value = '';
  });
  document.addEventListener('paste', ({clipboardData}) => {
    const files = Array.from(clipboardData?.files ?? []);
    if (files.length > 0) void takeFiles(files);
  });
  acceptDrops(takeFiles);
}

function acceptDrops(takeFiles: (files: readonly File[]) => Promise<void>): void {
  let depth = 0;
  const mark = (isOver: boolean): void => void document.body.classList.toggle('dropping', isOver);
  document.addEventListener('dragenter', () => mark(++depth > 0));
  document.addEventListener('dragleave', () => mark(--depth > 0));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    mark(false);
    const {dataTransfer} = event;
    if (dataTransfer === null) return;
    filesOf(dataTransfer).then(takeFiles, (error: unknown) => complain('What was dropped cannot be read.', error));
  });
}
