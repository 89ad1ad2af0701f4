/** How a GraphModel ends: which node gives its logits, and what closes it. */
import {at} from '../../core/at.js';
import {readsOf, type GraphNode} from './graph-nodes.js';

/** The end of a classifier. */
export interface GraphHead {
  /** The node that gives the logits, or the output where nothing closes it. */
  readonly logits: GraphNode;
  /** The activation that follows. */
  readonly closing: 'softmax' | 'sigmoid' | 'logSoftmax' | undefined;
}

const passing = ['Identity', 'Reshape', 'Squeeze', 'StopGradient', 'Snapshot', 'PreventGradient'];
const closings: Readonly<Record<string, 'softmax' | 'sigmoid' | 'logSoftmax'>> = {
  Softmax: 'softmax',
  Sigmoid: 'sigmoid',
  LogSoftmax: 'logSoftmax',
};
// What a classifier that ends in logits may end in: sums of products.
const linear = ['MatMul', '_FusedMatMul', 'BatchMatMul', 'BatchMatMulV2', 'BiasAdd', 'Add', 'AddV2', 'Conv2D', '_FusedConv2D', 'Mean'];

/**
 * Looks behind the output, through what only changes its shape.
 *
 * @param refuse Called with a reason where what the output is cannot be told.
 */
export function headOfGraph(output: GraphNode, ordered: readonly GraphNode[], refuse: (reason: string) => never): GraphHead {
  const known = new Set(ordered);
  const behind = (start: GraphNode): GraphNode => {
    let node = start;
    while (passing.includes(node.op) && readsOf(node, known).length > 0) node = at(readsOf(node, known), 0);
    return node;
  };
  const end = behind(output);
  const closing = closings[end.op];
  if (closing !== undefined) return {logits: at(readsOf(end, known), 0), closing};
  if (!linear.includes(end.op)) refuse(`it ends in ${end.op} '${end.name}'`);
  const fused = (end.attrParams?.['fusedOps']?.value ?? []) as readonly string[];
  const [activation] = fused.filter((each) => !/^biasadd$/i.test(each));
  if (activation !== undefined) refuse(`it ends in ${end.op} '${end.name}' with ${activation}`);
  const read = [...new Set(readsOf(end, known).map(behind))];
  const joins = ['Add', 'AddV2', 'MatMul', 'BatchMatMul', 'BatchMatMulV2'].includes(end.op) && read.length > 1;
  if (joins) refuse(`it ends in ${end.op} '${end.name}', which joins '${at(read, 0).name}' and '${at(read, 1).name}'`);
  const squashed = read.find(({op}) => op in closings);
  if (squashed !== undefined && end.op === 'Mean') refuse(`it ends in a mean of ${squashed.op} '${squashed.name}'`);
  return {logits: output, closing: undefined};
}
