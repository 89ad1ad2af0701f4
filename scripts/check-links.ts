/**
 * Follows every relative link and picture of the Markdown files: the file must be there, and so must the
 * heading. What ships in the package must find its targets in the package, where nothing else is.
 * Addresses on the web are not asked: they would make the check depend on the network. `npm run check:links`.
 */
import {existsSync, readFileSync, statSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt, {type Token} from 'markdown-it';
import {root} from './shipping/entries.js';
import {dryPack} from './packed-project.js';
import {trackedFiles} from './source-files.js';

const parser = new MarkdownIt({html: true});
const shipped = new Set(dryPack().files.map(({path}) => path));
const pages = trackedFiles(root).filter((file) => file.endsWith('.md'));
const anchors = new Map<string, Set<string>>();

const faults: string[] = [];
let count = 0;
for (const page of pages) {
  for (const {line, address} of linksOf(page)) {
    if (/^[a-z][a-z\d+.-]*:/i.test(address)) continue;
    count++;
    const fault = faultOf(page, address);
    if (fault) faults.push(`${page}:${line}: ${address} ${fault}`);
  }
}
console.log(
  faults.length === 0 ? `${count} relative links in ${pages.length} Markdown files lead somewhere.` : `Broken links:\n${faults.join('\n')}`,
);
process.exitCode = faults.length === 0 ? 0 : 1;

function faultOf(page: string, address: string): string | undefined {
  const [path = '', anchor] = decodeURI(address).split('#');
  if (path.startsWith('/')) return 'begins with a slash, which means something else on every site';
  const target =
    path === ''
      ? page
      : normalize(join(dirname(page), path))
          .replaceAll('\\', '/')
          .replace(/\/$/, '');
  const file = join(root, target);
  if (target.startsWith('..') || !existsSync(file)) return 'is not there';
  if (shipped.has(page) && !isShipped(target)) return 'is not in the package, which this page is a part of';
  if (anchor === undefined) return undefined;
  if (!target.endsWith('.md') || statSync(file).isDirectory()) return 'names a heading, but is not a Markdown page';
  return anchorsOf(target).has(anchor) ? undefined : `names a heading that ${target} has not`;
}

function isShipped(target: string): boolean {
  return shipped.has(target) || [...shipped].some((file) => file.startsWith(`${target}/`));
}

/** Links and pictures, also those written as HTML, with their lines. */
function linksOf(page: string): {line: number; address: string}[] {
  return parser.parse(read(page), {}).flatMap((block) => {
    const line = (block.map?.[0] ?? 0) + 1;
    return [block, ...(block.children ?? [])].flatMap((token) => addressesOf(token)).map((address) => ({line, address}));
  });
}

function addressesOf(token: Token): string[] {
  if (token.type === 'html_block' || token.type === 'html_inline')
    return [...token.content.matchAll(/\b(?:href|src|srcset)\s*=\s*["']([^"'\s]+)/g)].map(([, address]) => address as string);
  const address = token.attrGet('href') ?? token.attrGet('src');
  return address === null ? [] : [String(address)];
}

/** The names that GitHub, npm and most sites give to headings, and names given in HTML. */
function anchorsOf(page: string): Set<string> {
  const known = anchors.get(page);
  if (known) return known;
  const slugger = new GithubSlugger();
  const tokens = parser.parse(read(page), {});
  const headings = tokens.flatMap((token, index) => (token.type === 'heading_open' ? [textOf(tokens[index + 1])] : []));
  const named = [...read(page).matchAll(/<[^>]+\b(?:id|name)=["']([^"']+)["']/g)].map(([, name]) => name as string);
  const found = new Set([...headings.map((heading) => slugger.slug(heading)), ...named]);
  anchors.set(page, found);
  return found;
}

function textOf(inline: Token | undefined): string {
  return (inline?.children ?? []).map(({type, content}) => (type === 'text' || type === 'code_inline' ? content : '')).join('');
}

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}
