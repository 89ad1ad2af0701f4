/**
 * A shard as bytes: a line that says what it is and the hash of the rest, then JSON. What JSON cannot say is written so that it
 * comes back bit for bit: NaN, the infinities and −0 by name, Float32Arrays in base64.
 */
import {hashOf} from './store.js';

const FORMAT = 'attentive-distiller shard 1';

/** Writes a value; see {@link decodeContent}. */
export function encodeContent(value: unknown): Uint8Array {
  const body = JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'number')
      return Number.isFinite(each) && !Object.is(each, -0) ? each : {$number: Object.is(each, -0) ? '-0' : String(each)};
    if (each instanceof Float32Array) return {$float32: Buffer.from(each.buffer, each.byteOffset, each.byteLength).toString('base64')};
    return each;
  });
  return Buffer.from(`${JSON.stringify({format: FORMAT, hash: hashOf(body)})}\n${body}`);
}

/** Reads what {@link encodeContent} wrote; undefined if it is damaged or something else. */
export function decodeContent(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  if (text.slice(0, Math.max(end, 0)) !== JSON.stringify({format: FORMAT, hash: hashOf(body)})) return undefined;
  return JSON.parse(body, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null) return each;
    if ('$number' in each) return Number(each.$number);
    return '$float32' in each ? floatsOf(String(each.$float32)) : each;
  });
}

function floatsOf(base64: string): Float32Array {
  // A copy, since Buffer's own bytes may begin anywhere.
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}
