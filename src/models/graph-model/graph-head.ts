/** How a GraphModel ends: which node gives its logits, and what closes it. */
import {at} from '../../core/at.js';
import {readBeyondFirst, readsOf, type GraphNode} from './graph-nodes.js';

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
// Weights between what goes in and what comes out.
const weighted = ['MatMul', '_FusedMatMul', 'BatchMatMul', 'BatchMatMulV2', 'Conv2D', '_FusedConv2D'];
// What merges, pools, shifts, scales or picks, so that probabilities that go in are still seen in what comes out.
const carrying = [
  ...['Add', 'AddV2', 'AddN', 'BiasAdd', 'Sub', 'Mul', 'RealDiv', 'Maximum', 'Minimum', 'Mean', 'Max', 'Min', 'Sum', 'AvgPool', 'MaxPool'],
  ...['ConcatV2', 'Pack', 'Split', 'SplitV', 'GatherV2', 'Slice', 'StridedSlice', 'Transpose', 'ExpandDims', 'Pad', 'PadV2', 'ClipByValue'],
];
// What a classifier that ends in logits may end in: sums of products.
const linear = [...weighted, 'BiasAdd', 'Add', 'AddV2', 'Mean'];

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
  if (closing !== undefined) {
    const [other] = readBeyondFirst([end]);
    if (other !== undefined) refuse(`${end.op} '${end.name}' closes one of several outputs of ${other.op} '${other.name}'`);
    return {logits: at(readsOf(end, known), 0), closing};
  }
  if (!linear.includes(end.op)) refuse(`it ends in ${end.op} '${end.name}'`);
  const fused = (end.attrParams?.['fusedOps']?.value ?? []) as readonly string[];
  const [activation] = fused.filter((each) => !/^biasadd$/i.test(each));
  if (activation !== undefined) refuse(`it ends in ${end.op} '${end.name}' with ${activation}`);
  const read = [...new Set(readsOf(end, known).map(behind))];
  const joins = ['Add', 'AddV2', 'MatMul', 'BatchMatMul', 'BatchMatMulV2'].includes(end.op) && read.length > 1;
  if (joins) refuse(`it ends in ${end.op} '${end.name}', which joins '${at(read, 0).name}' and '${at(read, 1).name}'`);
  const squashed = squashedBehind(end, known);
  if (squashed !== undefined)
    refuse(`it ends in ${end.op} '${end.name}', but ${squashed.op} '${squashed.name}' has made probabilities of what it reads`);
  return {logits: output, closing: undefined};
}

/**
 * The softmax or sigmoid whose values are still seen at the end. Behind weights a sigmoid is a hidden layer, and a softmax counts
 * only where it alone is read: what weighs other values by it is attention.
 */
function squashedBehind(end: GraphNode, known: ReadonlySet<GraphNode>): GraphNode | undefined {
  const seen = new Map<GraphNode, boolean>();
  const waiting: [node: GraphNode, behindWeights: boolean][] = [[end, false]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [node, behindWeights] = next;
    if (node.op in closings && (node.op !== 'Sigmoid' || !behindWeights)) return node;
    const hasWeights = weighted.includes(node.op);
    const read = readsOf(node, known);
    const carries = hasWeights ? !behindWeights : passing.includes(node.op) || carrying.includes(node.op);
    // Nothing new is found where a node was reached without weights before.
    if (!carries || (behindWeights && read.length > 1) || seen.get(node) === false || seen.get(node) === behindWeights) continue;
    seen.set(node, behindWeights);
    for (const each of read) waiting.push([each, behindWeights || hasWeights]);
  }
  return undefined;
}
