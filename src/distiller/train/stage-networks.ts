/**
 * The networks of a training stage. What the stage reads and does not change is compiled: the
 * teacher always, the student where only the explanation network is trained.
 */
import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import {freezeStudent, freezeTeacher} from '../../models/compiled/frozen-networks.js';
import type {Networks} from '../networks.js';
import type {Stage} from '../progress.js';

/** The networks, with those that stay as they are in a faster form. */
export interface StageNetworks extends Networks {
  /** Gives the Δf of the frozen student, the caller's; absent where the student is trained. */
  readonly deltasOf?: ((images: Tensor4D) => Tensor[]) | undefined;
  /** Frees the faster forms; the networks themselves stay. */
  dispose(): void;
}

/** Prepares a stage. The weights of what it freezes must not change until it is disposed of. */
export function stageNetworks(stage: Stage, networks: Networks): StageNetworks {
  const teacher = freezeTeacher(networks.teacher);
  try {
    const student = stage === 'explanation' ? freezeStudent(networks.student) : undefined;
    return {
      ...networks,
      teacher: teacher.network,
      deltasOf: student?.network,
      dispose: () => {
        teacher.dispose();
        student?.dispose();
      },
    };
  } catch (error) {
    teacher.dispose();
    throw error;
  }
}
