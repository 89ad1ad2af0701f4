/**
 * The networks of a training stage. What the stage reads and does not change is compiled: the
 * teacher always, the student where only the explanation network is trained.
 */
import {clone, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {freezeStudent, freezeTeacher, type Frozen} from '../../models/compiled/frozen-networks.js';
import {GuidedStudent, type Evidence} from '../../models/compiled/guided-student.js';
import type {Networks} from '../networks.js';
import type {Stage} from '../progress.js';

/** The networks, with those that stay as they are in a faster form. */
export interface StageNetworks extends Networks {
  /** Gives what the decoder gets of the frozen student, the caller's; absent where the student is trained. */
  readonly tapsOf?: ((images: Tensor4D, evidence: Evidence) => Tensor[]) | undefined;
  /** Frees the faster forms; the networks themselves stay. */
  dispose(): void;
}

/** Prepares a stage. The weights of what it freezes must not change until it is disposed of. */
export function stageNetworks(stage: Stage, networks: Networks): StageNetworks {
  const teacher = freezeTeacher(networks.teacher);
  try {
    const student = stage === 'explanation' ? frozenTaps(networks) : undefined;
    return {
      ...networks,
      teacher: teacher.network,
      tapsOf: student?.network,
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

function frozenTaps({student, method: {guidance, plainTaps}}: Networks): Frozen<(images: Tensor4D, evidence: Evidence) => Tensor[]> {
  if (guidance === 'none') return freezeStudent(student);
  const guided = new GuidedStudent('train', student, {features: guidance, plainTaps});
  return {
    network: (images, evidence) => {
      const {logits, used} = guided.run(images, [evidence], (taps) => taps.map((tap) => clone(tap)));
      logits.dispose();
      return at(used, 0);
    },
    dispose: () => guided.dispose(),
  };
}
