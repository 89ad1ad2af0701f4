import js from '@eslint/js';
import {createTypeScriptImportResolver} from 'eslint-import-resolver-typescript';
import {importX} from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import {folders} from './scripts/folders.js';

const zones = folders.map((folder, index) => ({
  target: `./src/${folder}`,
  from: [...folders.slice(index + 1).map((later) => `./src/${later}`), './src/index.ts'],
  message: `src/${folder} may only import from ${folders.slice(0, index + 1).join(', ')}.`,
}));

// What belongs to the inner parts of tfjs: its engine, its registries.
const internalsOfTfjs = [
  'copyRegisteredKernels',
  'engine',
  'getGradient',
  'getKernel',
  'getKernelsForBackend',
  'registerBackend',
  'registerGradient',
  'registerKernel',
  'removeBackend',
  'unregisterGradient',
  'unregisterKernel',
];
const noMathRandom = {object: 'Math', property: 'random', message: 'Take a seed; draw from core/random.'};
const behindTfjs = 'Only src/tfjs touches the inner parts of tfjs; write a small function there.';

export default tseslint.config(
  // assembly/ is AssemblyScript, which the compiler of its own checks.
  {
    ignores: [
      'dist',
      'docs/api',
      'docs/.vitepress/dist',
      'docs/.vitepress/cache',
      'out',
      'coverage',
      'node_modules',
      'src/tfjs/wasm/assembly',
      'src/tfjs/wasm/_simd-binary.ts',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strict,
  importX.flatConfigs.recommended,
  importX.flatConfigs.typescript,
  {
    settings: {
      'import-x/resolver-next': [
        createTypeScriptImportResolver({project: ['tsconfig.json', 'docs/demo/tsconfig.json'], noWarnOnMultipleProjects: true}),
      ],
    },
    rules: {
      // isolatedDeclarations wants the type of a default spelled out where it is not a literal.
      '@typescript-eslint/no-inferrable-types': 'off',
      // A cycle makes the order in which modules start depend on who is imported first.
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', {zones}],
      'import-x/no-named-as-default-member': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_'}],
      eqeqeq: ['error', 'always', {null: 'ignore'}],
      'no-restricted-properties': ['error', noMathRandom],
    },
  },
  {
    files: ['docs/demo/**'],
    rules: {'import-x/no-unresolved': ['error', {ignore: ['\\?url$']}], 'max-lines': ['error', {max: 320, skipComments: true}]},
  },
  {files: ['src/**'], rules: {'no-console': 'error', 'max-lines': ['error', {max: 320, skipComments: true}]}},
  {
    files: ['src/**'],
    ignores: ['src/tfjs/**'],
    rules: {
      'no-restricted-imports': ['error', {paths: [{name: '@tensorflow/tfjs-core', importNames: internalsOfTfjs, message: behindTfjs}]}],
      'no-restricted-properties': ['error', noMathRandom, {object: 'serialization', property: 'SerializationMap', message: behindTfjs}],
    },
  },
  {files: ['test/**', 'bench/**'], rules: {'@typescript-eslint/no-non-null-assertion': 'off'}},
  {
    // Projects of their own: what they import is not installed here. `npm run examples` checks their names and types where it is.
    files: ['examples/**'],
    rules: {'no-undef': 'off', 'import-x/no-unresolved': 'off'},
  },
);
