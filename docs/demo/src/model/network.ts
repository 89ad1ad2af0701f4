/** The network that is explained: the one that comes with the page, or one of the visitor's. */
import {describeTeacher, loadTeacher, type LoadedTeacher, type PreprocessingName, type Teacher} from 'attentive-distiller';
import sampleModel from '../../../../quickstart/teacher/model.json?url';
import sampleWeights from '../../../../quickstart/teacher/weights.bin?url';
import {networkFromOnnx} from './onnx.js';

/** How pixels become what a network sees; `'guess'` goes by what the library makes of the model. */
export type PreprocessingChoice = PreprocessingName | 'guess';

export interface Network {
  readonly name: string;
  /** Whether it is the one that comes with the page. */
  readonly isSample: boolean;
  readonly teacher: Teacher;
  /** What was taken as preprocessing, in words. */
  readonly preprocessing: string;
  /** The same network once more, on another backend. */
  readonly again: () => Promise<Network>;
  readonly dispose: () => void;
}

const sampleLabels = ['arrow', 'crescent', 'cross', 'frame', 'hourglass', 'ring', 'star', 'triangle'];
/** What most networks want that say nothing else. */
const USUAL: PreprocessingName = 'tf';

/** The quickstart's classifier of small signs. */
export async function sampleNetwork(): Promise<Network> {
  const file = async (address: string, name: string): Promise<File> => {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address} answers ${response.status}.`);
    return new File([await response.blob()], name);
  };
  const files = await Promise.all([file(sampleModel, 'model.json'), file(sampleWeights, 'weights.bin')]);
  const teacher = await loadTeacher(files, {preprocessing: 'tf', labels: sampleLabels, name: 'signs'});
  return {
    ...{name: 'Signs', isSample: true, teacher, preprocessing: 'tf'},
    again: sampleNetwork,
    dispose: () => teacher.dispose(),
  };
}

/**
 * A network of files: a model.json with its weights, or an .onnx file; beside it perhaps names of the classes, a line each
 * (.txt) or as a list (.json).
 */
export async function networkFromFiles(files: readonly File[], choice: PreprocessingChoice): Promise<Network> {
  const again = (): Promise<Network> => networkFromFiles(files, choice);
  const labels = await labelsIn(files);
  const onnx = files.find(({name}) => name.toLowerCase().endsWith('.onnx'));
  if (onnx !== undefined) return networkFromOnnx(new Uint8Array(await onnx.arrayBuffer()), {name: onnx.name, choice, labels, again});
  const weights = files.filter(({name}) => !/\.(json|txt)$/i.test(name));
  const json = files.find((file) => file.name === 'model.json') ?? files.find((file) => file.name.endsWith('.json') && !isLabels(file));
  if (json === undefined)
    throw new Error('A model of tfjs has a model.json and its weights (.bin), one of ONNX is an .onnx file; none is among these files.');
  return loaded([json, ...weights], folderOf(json), choice, labels, again);
}

/** A network by the address of its model.json or .onnx file. */
export async function networkFromAddress(address: string, choice: PreprocessingChoice): Promise<Network> {
  const again = (): Promise<Network> => networkFromAddress(address, choice);
  const {pathname} = new URL(address, document.baseURI);
  const name = pathname.split('/').slice(-2).join('/');
  if (!pathname.toLowerCase().endsWith('.onnx')) return loaded(address, name, choice, undefined, again);
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} answers ${response.status}.`);
  return networkFromOnnx(new Uint8Array(await response.arrayBuffer()), {name, choice, labels: undefined, again});
}

async function loaded(
  from: string | readonly File[],
  /** By default what the model calls itself. */
  name: string | undefined,
  choice: PreprocessingChoice,
  labels: readonly string[] | undefined,
  again: Network['again'],
): Promise<Network> {
  const load = async (preprocessing: PreprocessingName): Promise<LoadedTeacher> => {
    const {loadGraphModel} = await import('@tensorflow/tfjs-converter');
    return loadTeacher(from, {preprocessing, loadGraphModel, ...(labels && {labels})});
  };
  let taken = choice === 'guess' ? USUAL : choice;
  let teacher = await load(taken);
  const guess = choice === 'guess' ? describeTeacher(teacher).preprocessing?.guess : undefined;
  if (guess !== undefined && guess !== taken) {
    teacher.dispose();
    teacher = await load((taken = guess));
  }
  const how = choice === 'guess' ? `${taken}, ${guess === undefined ? 'as nothing else is known' : 'guessed'}` : taken;
  return {name: name ?? teacher.name, isSample: false, teacher, preprocessing: how, again, dispose: () => teacher.dispose()};
}

const isLabels = ({name}: File): boolean => /(label|class)[^/]*\.(txt|json)$/i.test(name) || name.toLowerCase().endsWith('.txt');

async function labelsIn(files: readonly File[]): Promise<readonly string[] | undefined> {
  const file = files.find(isLabels);
  if (file === undefined) return undefined;
  const text = await file.text();
  const names: unknown = file.name.endsWith('.json') ? JSON.parse(text) : text.trim().split(/\r?\n/);
  const list = Array.isArray(names) ? names : Object.values(names as object);
  return list.map(String);
}

/** The folder that was chosen; files that were chosen one by one have none. */
function folderOf({webkitRelativePath}: File): string | undefined {
  return webkitRelativePath.split('/').at(-2);
}
