/**
 * What a release needs beyond what every change does: says in a sentence each what is missing, and ends with 1.
 * `npm run check:release`; `npm publish` runs it first.
 */
import {execFileSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {VERSION} from '../src/core/version.js';
import {manifest, root} from './shipping/entries.js';

const {version, keywords = []} = manifest;
const missing = [...addresses(), ...versions(), ...changes(), ...tree()];
if (missing.length > 0) {
  console.error(`${manifest.name} ${version} cannot be released yet:\n${missing.map((each) => `- ${each}`).join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(`${manifest.name} ${version} can be released.`);
}

/** npm shows them, turns the relative links of the README into links to the repository, and checks provenance against it. */
function addresses(): string[] {
  const {repository, homepage, bugs} = manifest;
  const given = {
    repository: typeof repository === 'string' ? repository : repository?.url,
    homepage,
    bugs: typeof bugs === 'string' ? bugs : bugs?.url,
  };
  const why = {
    repository: 'npm needs it for provenance and for the links of the README, {"type": "git", "url": "git+https://…"}',
    homepage: 'people who find the package on npm have nowhere to go on',
    bugs: 'nobody can tell where to report a fault, {"url": "https://…/issues"}',
  };
  const isAddress = (address: string | undefined): boolean => /^(git\+)?https:\/\/[\w.-]+\.\w+(\/|$)/.test(address ?? '');
  const names = ['repository', 'homepage', 'bugs'] as const;
  return [
    ...names.filter((name) => given[name] === undefined).map((name) => `package.json has no "${name}": ${why[name]}.`),
    ...names
      .filter((name) => given[name] !== undefined && !isAddress(given[name]))
      .map((name) => `"${name}" of package.json must be an https address, and is ${given[name]}.`),
    ...(keywords.length > 0 ? [] : ['package.json has no "keywords": nobody finds the package on npm.']),
  ];
}

function versions(): string[] {
  const {GITHUB_REF_TYPE: kind, GITHUB_REF_NAME: tag} = process.env;
  return [
    ...(VERSION === version ? [] : [`src/core/version.ts says ${VERSION} and package.json ${version}: npm run release:version sets both.`]),
    ...(kind !== 'tag' || tag === `v${version}` ? [] : [`The tag is ${tag}, but package.json says ${version}: it must be v${version}.`]),
  ];
}

/** The changelog must tell of this version, and nothing may be left to tell. */
function changes(): string[] {
  const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m).slice(1);
  const named = (name: string): string | undefined => sections.find((section) => section.split('\n', 1)[0]?.trim() === name);
  const isEmpty = (section: string | undefined): boolean => section === undefined || !/^- /m.test(section);
  const left = readdirSync(join(root, '.changeset')).filter((file) => file.endsWith('.md') && file !== 'README.md');
  return [
    ...(isEmpty(named(version)) ? [`CHANGELOG.md has no section "## ${version}" with what is new.`] : []),
    ...(isEmpty(named('Unreleased')) ? [] : ['CHANGELOG.md still has changes under "## Unreleased".']),
    ...(left.length > 0 ? [`Changesets wait in .changeset (${left.join(', ')}): npm run release:version takes them in.`] : []),
  ];
}

function tree(): string[] {
  const changed = execFileSync('git', ['status', '--porcelain'], {cwd: root, encoding: 'utf8'}).split('\n').filter(Boolean);
  return changed.length > 0 ? [`Not committed: ${changed.map((line) => line.slice(3)).join(', ')}.`] : [];
}
