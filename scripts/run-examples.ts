/** Runs every program in examples/, one after the other; one whose data is not at hand is left out, by name. */
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';

const root = join(import.meta.dirname, '..');
const data = process.env['AKD_DATA'] ?? join(root, '../shared/data');
const needs: Readonly<Record<string, string>> = {'graph-model.ts': join(data, 'graph-models')};

for (const name of readdirSync(join(root, 'examples')).filter((each) => !each.startsWith('_'))) {
  const needed = needs[name];
  if (needed !== undefined && !existsSync(needed)) {
    console.log(`examples/${name} is left out: there is no ${needed}.`);
    continue;
  }
  console.log(`examples/${name}`);
  const {status} = spawnSync('npx', ['tsx', join('examples', name)], {cwd: root, stdio: 'inherit'});
  if (status !== 0) process.exit(status ?? 1);
}
