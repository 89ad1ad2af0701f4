/** Explainers: the one that comes with the page, and saves that stay in memory. */
import {io} from '@tensorflow/tfjs-core';
import {AttentiveDistiller, type Teacher} from 'attentive-distiller';

const SCHEME = 'memory://';
const saved = new Map<string, io.ModelArtifacts>();

type Router = Parameters<typeof io.registerSaveRouter>[0];

const handlerOf: Router = (address) => {
  // tfjs asks every router in turn, and takes null for no.
  if (typeof address !== 'string' || !address.startsWith(SCHEME)) return null as never;
  return {
    load: async () => {
      const artifacts = saved.get(address);
      if (artifacts === undefined) throw new Error(`Nothing was saved at ${address}.`);
      return artifacts;
    },
    save: async (artifacts) => {
      saved.set(address, artifacts);
      return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
    },
  };
};
io.registerSaveRouter(handlerOf);
io.registerLoadRouter(handlerOf);

const ADDRESS = `${SCHEME}explainer`;

/** What a save consists of; `explainerFromMemory` makes an explainer of it again. */
export async function saveInMemory(distiller: AttentiveDistiller): Promise<io.ModelArtifacts> {
  await distiller.save(ADDRESS);
  return saved.get(ADDRESS) as io.ModelArtifacts;
}

/** The explainer that was saved last, for the same network. */
export function explainerFromMemory(teacher: Teacher): Promise<AttentiveDistiller> {
  return AttentiveDistiller.load(ADDRESS, {teacher});
}

/** The explainer of the network that comes with the page. */
export function sampleExplainer(teacher: Teacher): Promise<AttentiveDistiller> {
  return AttentiveDistiller.load(new URL('explainer/model.json', document.baseURI).href, {teacher});
}
