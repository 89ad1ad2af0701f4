/**
 * Models for worker threads. A model is packed into shared memory once, however many threads and
 * batches there are, and again only when a weight has changed: tfjs gives a variable another data
 * id with every assignment, so that a look at the ids tells.
 */
import {io} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {isDisposed} from '../models/check-layers-model.js';
import type {PackedModel, Shipment} from './thread-task.js';

/** The last packing of models, found by the first of them. */
interface Packing {
  readonly id: number;
  readonly version: number;
  readonly dataIds: readonly object[];
  readonly shipment: Promise<Shipment>;
}

let packings = new WeakMap<LayersModel, Packing>();
const living = new Map<number, WeakRef<LayersModel>>();
/** The ids of those that {@link shipOnce} packed, until they are released. */
const held = new Set<number>();
let lastId = 0;

/**
 * Packs models that belong together; the same ones are packed once as long as no weight changes.
 *
 * @param where Names the caller in messages.
 * @param models The first may be the first of no other group. Borrowed.
 * @throws {UnsupportedModelError} If the configuration of a model cannot be had.
 */
export function shipModels(where: string, models: readonly [LayersModel, ...LayersModel[]]): Promise<Shipment> {
  const [first] = models;
  const dataIds = models.flatMap((model) => model.weights.map((weight) => weight.read().dataId));
  const known = packings.get(first);
  if (known?.dataIds.length === dataIds.length && known.dataIds.every((dataId, index) => dataId === dataIds[index])) return known.shipment;
  const {id = ++lastId, version = 0} = known ?? {};
  const packing = {id, version: version + 1, dataIds, shipment: pack(where, models, {id, version: version + 1})};
  packings.set(first, packing);
  living.set(id, new WeakRef(first));
  return packing.shipment;
}

/** Models that were packed for one use. */
export interface OneShipment {
  readonly shipment: Promise<Shipment>;
  /** Tells threads that they may free them. */
  release(): void;
}

/** Packs models as they are now, for a use in which it is known when their weights change; until then threads keep them. */
export function shipOnce(where: string, models: readonly LayersModel[]): OneShipment {
  const id = ++lastId;
  held.add(id);
  return {shipment: pack(where, models, {id, version: 1}), release: () => void held.delete(id)};
}

/** The ids of the shipments that threads keep: their models have been neither disposed of nor collected nor released. */
export function livingShipments(): number[] {
  for (const [id, reference] of living) {
    const model = reference.deref();
    if (model === undefined || isDisposed(model)) living.delete(id);
  }
  return [...living.keys(), ...held];
}

/** Frees the shared memory: whoever asks again has a model packed again. */
export function forgetShipments(): void {
  packings = new WeakMap();
  living.clear();
}

async function pack(where: string, models: readonly LayersModel[], {id, version}: Pick<Shipment, 'id' | 'version'>): Promise<Shipment> {
  return {id, version, models: await Promise.all(models.map((model) => packOne(where, model)))};
}

async function packOne(where: string, model: LayersModel): Promise<PackedModel> {
  const {name} = model;
  const topology = topologyOf(where, model);
  // All values are asked for before anything is awaited, so they are of one state.
  const {data, specs} = await io.encodeWeights(model.weights.map((weight) => ({name: weight.originalName, tensor: weight.read()})));
  const form = new TextEncoder().encode(JSON.stringify({topology, specs}));
  return {name, form: share(form), weights: share(new Uint8Array(data))};
}

function topologyOf(where: string, model: LayersModel): unknown {
  try {
    return model.toJSON(null, false);
  } catch (cause) {
    throw new UnsupportedModelError(
      `${where}: model '${model.name}' cannot be sent to worker threads, since a layer has no complete getConfig() (${(cause as Error).message}). Add it, or leave the option workers out.`,
      {cause},
    );
  }
}

function share(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  shared.set(bytes);
  return shared;
}
