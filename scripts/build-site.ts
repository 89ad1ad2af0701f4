/**
 * Builds the site into docs/.vitepress/dist: the reference by TypeDoc, which fails on what has no docstring; the pages by
 * VitePress, which fails on links that lead nowhere; the live page, where docs/demo is built. `npm run docs`; SITE_BASE says
 * below which path the site will lie. The Markdown of a page is laid beside it, for programs that read: llms.txt lists them.
 */
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {root} from './shipping/entries.js';

const site = join(root, 'docs/.vitepress/dist');
const run = (...command: readonly string[]): void => {
  execFileSync('npx', command, {cwd: root, stdio: 'inherit'});
};

run('typedoc', '--logLevel', 'Warn');
run('vitepress', 'build', 'docs');
cpSync(join(root, 'docs/api'), join(site, 'api'), {recursive: true});
const demo = join(root, 'docs/demo/dist');
if (existsSync(demo)) cpSync(demo, join(site, 'demo'), {recursive: true});
else console.log('The site has no /demo/: docs/demo is not built.');

for (const file of ['index.html', 'llms.txt', 'llms-full.txt', 'api/index.html'])
  if (!existsSync(join(site, file))) throw new Error(`The site lacks ${file}.`);
const listed = readFileSync(join(site, 'llms.txt'), 'utf8');
const pages = readdirSync(join(root, 'docs'), {encoding: 'utf8'}).filter((file) => file.endsWith('.md') && file !== 'index.md');
const unlisted = pages.filter((page) => !listed.includes(page));
if (unlisted.length > 0) throw new Error(`These pages are missing in llms.txt, and so in the sidebar: ${unlisted.join(', ')}.`);
