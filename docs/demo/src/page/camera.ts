/** The camera, where there is one: a map for every frame. */
import {draw, readImage} from 'attentive-distiller';
import {byId, painted} from '../app/dom.js';
import type {Desk} from '../app/desk.js';
import {complain, tell} from '../app/messages.js';
import {openFrame} from '../app/pictures.js';
import {noQuestion, type Page} from '../app/state.js';
import {methods} from '../model/methods.js';
import {COLORS} from './stage.js';

/** Frames over which the rate is averaged. */
const AVERAGED = 12;

export async function setUpCamera(page: Page, desk: Desk): Promise<void> {
  const button = byId<HTMLButtonElement>('camera');
  const video = byId<HTMLVideoElement>('video');
  let isOn = false;
  let ended: Promise<void> = Promise.resolve();

  const stop = async (): Promise<void> => {
    isOn = false;
    await ended;
  };
  const watch = async (): Promise<void> => {
    const times: number[] = [];
    while (isOn) {
      const {network, explainer, opacity} = page.state;
      if (network === undefined) return;
      const frame = await readImage(video);
      const id = explainer === undefined ? 'grad-cam' : 'ours';
      const task = {picture: {name: 'the camera', image: frame}, teacher: network.teacher, explainer, refine: 0, target: 'argmax' as const};
      if (methods[id].refusal(task) !== undefined) throw new Error('No quick method takes this network: distil an explainer first.');
      const [map] = await methods[id].draw(task);
      if (map !== undefined) draw(byId<HTMLCanvasElement>('picture'), frame, map, {colormap: COLORS, opacity});
      times.push(performance.now());
      if (times.length > AVERAGED) times.shift();
      const rate = (1000 * (times.length - 1)) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
      const label = map === undefined ? '' : (network.teacher.labels?.[map.target] ?? `class ${map.target}`);
      byId('caption').textContent = `Live: ${label}, ${Number.isFinite(rate) ? rate.toFixed(1) : '…'} maps per second`;
      await painted();
    }
  };
  const start = async (): Promise<void> => {
    let stream: MediaStream | undefined;
    try {
      stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}});
      video.srcObject = stream;
      await video.play();
      isOn = true;
      tell('The camera is on; its pictures stay on this machine.');
      button.textContent = 'Stop and keep this frame';
      await watch();
      page.set({picture: await openFrame(video), question: noQuestion});
    } catch (error) {
      complain('The camera does not work here.', error);
    } finally {
      isOn = false;
      for (const track of stream?.getTracks() ?? []) track.stop();
      video.srcObject = null;
      button.textContent = 'Camera';
    }
  };
  button.addEventListener('click', () => {
    if (isOn) return void stop();
    ended = start();
  });
  desk.stopsFirst({stop});
  // Without a camera, or without a way to ask for one, there is no button.
  const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
  button.hidden = !(devices ?? []).some(({kind}) => kind === 'videoinput');
}
