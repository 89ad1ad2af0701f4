/**
 * The site: the pages of this folder, with the picture of each method, the reference under /api/ and the page under /demo/
 * where it is built. VitePress reads the Markdown as it lies here and fails on a link that leads nowhere. `npm run docs`.
 */
import {existsSync} from 'node:fs';
import {basename, join} from 'node:path';
import type {DefaultTheme, Plugin, UserConfig} from 'vitepress';
import llms from 'vitepress-plugin-llms';

const docs = join(import.meta.dirname, '..');
const hasDemo = existsSync(join(docs, 'demo/dist/index.html'));
const base = process.env['SITE_BASE'] ?? '/';

/** Titles by the name of the page, in the order of the sidebar. */
const methods: Readonly<Record<string, string>> = {
  'attentive-distiller': 'Ours',
  'grad-cam': 'Grad-CAM and its relatives',
  'class-activation-map': 'Class activation map',
  'score-cam': 'Score-CAM',
  rise: 'RISE',
  lime: 'LIME',
  occlusion: 'Occlusion',
  'meaningful-perturbation': 'Meaningful perturbation',
  'gradient-saliency': 'Gradient saliency',
  'smooth-grad': 'SmoothGrad',
  'integrated-gradients': 'Integrated gradients',
  random: 'Random maps',
};

const sidebar: DefaultTheme.SidebarItem[] = [
  group('Start', {
    quickstart: 'Quickstart',
    teachers: 'Bring your own teacher',
    choosing: 'Choosing an explainer',
    'command-line': 'Command line',
    troubleshooting: 'Troubleshooting',
  }),
  group('Methods', {
    explainers: 'What all share',
    ...Object.fromEntries(Object.entries(methods).map(([page, title]) => [`methods/${page}`, title])),
  }),
  group('Training', {
    method: 'How ours works',
    training: 'Training and budgets',
    'fine-tuning': 'Fine-tuning a teacher',
    datasets: 'Data sets',
    reproducing: 'Reproducing the paper',
  }),
  group('Measuring', {
    'reading-measures': 'Reading the measures',
    metrics: 'All metrics',
    reports: 'Reports',
    benchmarks: 'Benchmarks',
  }),
  group('Running', {
    backends: 'Backends',
    memory: 'Memory',
    workers: 'Workers',
    scale: 'More than one machine',
    reliability: 'Reliability',
  }),
  group('Looking up', {
    features: 'Features beside others',
    migrating: 'Coming from another library',
    options: 'All options',
    versions: 'Versions',
  }),
];

const site: UserConfig<DefaultTheme.Config> = {
  title: 'attentive-distiller',
  description: 'Shows what an image classifier looks at, in TensorFlow.js, in Node and in the browser.',
  lang: 'en',
  base,
  cleanUrls: false,
  srcExclude: ['demo/**', 'api/**'],
  // The reference and the live page are put beside the pages once these are built.
  ignoreDeadLinks: [/^\/(api|demo)\//],
  // Braces at the end of a cell are words here, as they are everywhere else, and no attributes.
  markdown: {attrs: {disable: true}, theme: {light: 'github-light-high-contrast', dark: 'github-dark-high-contrast'}},
  // The two are typed by different versions of Vite.
  vite: {plugins: [methodPictures(), ...(llms({ignoreFiles: ['demo/**', 'api/**', 'index.md']}) as unknown as Plugin[])]},
  themeConfig: {
    nav: [
      {text: 'Quickstart', link: '/quickstart'},
      {text: 'Methods', link: '/explainers'},
      {text: 'Features', link: '/features'},
      {text: 'Reference', link: `${base}api/index.html`, target: '_self'},
      ...(hasDemo ? [{text: 'Live page', link: `${base}demo/index.html`, target: '_self'}] : []),
    ],
    sidebar,
    outline: [2, 3],
    search: {provider: 'local'},
    footer: {message: 'Apache-2.0. Photographs: scikit-image, in the public domain.'},
  },
};

export default site;

function group(text: string, pages: Readonly<Record<string, string>>): DefaultTheme.SidebarItem {
  return {text, items: Object.entries(pages).map(([page, title]) => ({text: title, link: `/${page}`}))};
}

/** Puts its picture into the page of a method; the package ships the page without it. A picture that is missing ends the build. */
function methodPictures(): Plugin {
  const before = '\n## How to call it';
  return {
    name: 'method-pictures',
    enforce: 'pre',
    transform(text, id) {
      if (!/\/docs\/methods\/[\w-]+\.md$/.test(id)) return undefined;
      const name = basename(id, '.md');
      const title = methods[name];
      if (title === undefined) throw new Error(`${id} is not in the sidebar of docs/.vitepress/config.ts.`);
      if (!text.includes(before)) throw new Error(`${id} has no heading "How to call it".`);
      const alt = `A cat, a cup of coffee and a rocket; below them their maps by this method: ${title}`;
      const note = 'MobileNet v1 0.25 at 128 pixels; the likeliest class of each photograph; red counts most.';
      return text.replace(before, `\n![${alt}](../pictures/methods/${name}.webp)\n\n<p class="note">${note}</p>\n${before}`);
    },
  };
}
