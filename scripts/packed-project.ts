/**
 * A project of a user of the package: a folder with the package as `npm pack` makes it, unpacked, and with
 * what this repository has installed beside it, by links.
 */
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

const root = join(import.meta.dirname, '..');

/** What `npm pack` tells. */
export interface Packed {
  readonly filename: string;
  /** Bytes of the archive. */
  readonly size: number;
  /** Bytes of its files. */
  readonly unpackedSize: number;
  readonly files: readonly {readonly path: string}[];
}

/** A folder to run things in. */
export interface PackedProject {
  readonly folder: string;
  readonly packed: Packed;
  /** Takes the folder away. */
  remove(): void;
}

/** Makes the project; the packages `without` are not installed in it. Run after `npm run build`. */
export function packedProject(without: readonly string[] = []): PackedProject {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  const packed = pack(folder);
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'attentive-distiller');
  mkdirSync(own, {recursive: true});
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', own, '--strip-components=1']);
  for (const name of installedPackages().filter((each) => !without.includes(each))) {
    mkdirSync(dirname(join(modules, name)), {recursive: true});
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return {folder, packed, remove: () => rmSync(folder, {recursive: true, force: true})};
}

/** Packs the package into a folder. Run after `npm run build`. */
export function pack(folder: string): Packed {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {cwd: root, encoding: 'utf8'}),
  ) as [Packed];
  return packed;
}

/** What would be packed, without packing it. */
export function dryPack(): Packed {
  const args = ['pack', '--dry-run', '--ignore-scripts', '--json'];
  const [packed] = JSON.parse(execFileSync('npm', args, {cwd: root, encoding: 'utf8'})) as [Packed];
  return packed;
}

/** The names of the packages that this repository has installed. */
export function installedPackages(): string[] {
  const list = (folder: string): string[] => readdirSync(join(root, 'node_modules', folder)).filter((name) => !name.startsWith('.'));
  return list('').flatMap((name) => (name.startsWith('@') ? list(name).map((each) => `${name}/${each}`) : [name]));
}
