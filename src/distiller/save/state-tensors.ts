/** The tensors of an interrupted training by name, as its save holds them. */
import {clone, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';

const PREFIX = 'training';

/** A tensor with its name in a save. */
export type StoredTensor = {
  readonly name: string;
  readonly tensor: Tensor;
};

/** Names the tensors of lists; they are clones, the caller's. */
export function nameLists(lists: object): StoredTensor[] {
  return Object.entries(lists as Readonly<Record<string, readonly Tensor[]>>).flatMap(([list, held]) =>
    held.map((tensor, index) => ({name: `${PREFIX}:${list}:${index}`, tensor: clone(tensor)})),
  );
}

/** The list of a name, out of what {@link nameLists} has named; clones, the caller's. */
export function listNamed(list: string, stored: NamedTensorMap): Tensor[] {
  const own = under(`${PREFIX}:${list}`, stored);
  return Object.keys(own).map((_, index) => clone(own[String(index)] as Tensor));
}

/** The tensors `prefix:name`, by name. */
export function under(prefix: string, tensors: NamedTensorMap): NamedTensorMap {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(`${prefix}:`));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length + 1), tensor]));
}
