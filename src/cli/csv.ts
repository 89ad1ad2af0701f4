/** Tables for spreadsheets. The quoting is csv-stringify's. */
import {stringify} from 'csv-stringify/sync';

/** Lays records out under a header. Numbers that are not finite, and what a record lacks, become empty cells. */
export function toCsv(columns: readonly string[], records: readonly Readonly<Record<string, unknown>>[]): string {
  const rows = records.map((record) => columns.map((name) => cell(record[name])));
  return stringify([[...columns], ...rows]);
}

function cell(value: unknown): unknown {
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' && !Number.isFinite(value) ? '' : value;
}
