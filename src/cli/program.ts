/**
 * The commands, their flags, and their help. The parser is commander: it has no dependencies, suggests the flag that was meant, and groups
 * the help. What a command does is loaded when it runs.
 */
import {Command, CommanderError, Option} from 'commander';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {integer, number} from '../core/fields.js';
import {VERSION} from '../core/version.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import type {CompareFlags} from './compare.js';
import type {DistilFlags} from './distil.js';
import type {ExplainFlags} from './explain.js';
import type {ViewFlags} from './view.js';
import {
  addColorFlags,
  addMethodFlags,
  addModelFlags,
  addPictureFlags,
  addRunFlags,
  numberFlag,
  readShare,
  type ModelFlags,
  type RunFlags,
} from './flags.js';
import {stopOnSignals} from './stop-signals.js';
import {Terminal, type Context} from './terminal.js';

const PHOTOS = "files, folders (with all below), or patterns in quotes: 'photos/**/*.jpg'";
const TARGET = 'what is explained: top (the likeliest class), top-3, or classes by number or name: 281,282 or "tabby"';
const METHODS =
  'ours, grad-cam, grad-cam++, hires-cam, layer-cam, xgrad-cam, score-cam, cam, gradient, smooth-grad, integrated-gradients, meaningful-perturbation, occlusion, rise, lime, random; several with commas';

const codes = `
Exit codes: 0 done; 1 failed; 2 wrong command line; 3 no picture; 4 done, but some pictures could not be read;
129, 130, 143 stopped by a signal (Ctrl-C: 130). What was done stays, and the same command goes on from there.`;

const examples = {
  explain: `
Examples:
  attentive-distiller explain photos/ --model my-model --preprocessing tf
      overlays in maps/, with explanations.csv and explanations.jsonl; Grad-CAM
  attentive-distiller explain photos/ --explainer my-explainer --target top-3
      by what distil has made, the three likeliest classes of each photo
  attentive-distiller explain 'photos/**/*.jpg' -m model.onnx -p torch --method rise --set rise.numMasks=1000
  attentive-distiller explain cat.jpg -m my-model -p tf --class-names names.txt --target "tabby" --json`,
  distil: `
Examples:
  attentive-distiller distil photos/ --model my-model --preprocessing tf --out my-explainer --minutes 30
      Ctrl-C at any time: the same command goes on from there
  attentive-distiller distil photos/ -m my-model -p tf --out my-explainer --steps 300 --seed 7`,
  compare: `
Examples:
  attentive-distiller compare photos/ --model my-model --preprocessing tf --method grad-cam,rise,random --limit 50
  attentive-distiller compare photos/ --explainer my-explainer --method ours,grad-cam,rise --limits rise=20 --reference rise --out results --report report.html
      also writes results/comparison.csv, comparison-images.csv and comparison.json, and a report to look at
  attentive-distiller compare photos/ --explainer my-explainer --shards /shared/parts --shard 3/8
      the third of eight machines; the last one to end prints the table`,
  view: `
Examples:
  attentive-distiller view cat.jpg dog.jpg --model my-model --preprocessing tf --out sheet.png
  attentive-distiller view photos/ --limit 4 --explainer my-explainer --method ours,grad-cam,rise --set rise.numMasks=500`,
  describe: `
Examples:
  attentive-distiller describe my-model
  attentive-distiller describe https://example.org/model.json --json
  attentive-distiller describe model.onnx --input-size 224`,
} as const;

/** Runs the program. @returns The exit code. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  let isDebug = false;
  const run =
    <F extends RunFlags>(work: Work<F>) =>
    async (...parameters: unknown[]): Promise<void> => {
      const command = parameters.at(-1) as Command;
      const flags = command.opts<F>();
      isDebug = flags.debug ?? false;
      const {signal, release} = stopOnSignals();
      code = await work({terminal: new Terminal(flags), signal}, command.processedArgs, flags).finally(release);
    };
  try {
    await makeProgram(run).parseAsync([...args], {from: 'user'});
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    return report(error, isDebug);
  }
}

/** What a command does. */
type Work<F> = (context: Context, args: readonly unknown[], flags: F) => Promise<ExitCode>;
type Run = <F extends RunFlags>(work: Work<F>) => (...parameters: unknown[]) => Promise<void>;

function makeProgram(run: Run): Command {
  const program = new Command('attentive-distiller');
  program
    .description('Shows what image classifiers look at.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(--help lists what there is.)');
  program.addHelpText('after', codes);

  const explain = command(program, 'explain', 'photos in; overlays and a table out').argument('<photos...>', PHOTOS);
  addModelFlags(explain, true);
  addMethodFlags(explain, `${METHODS} (default: ours with --explainer, otherwise grad-cam; rise where a model cannot be looked into)`);
  explain.option('-t, --target <classes>', TARGET, 'top');
  explain.option('--metrics <names>', 'also measure each map: insertion, deletion');
  explain
    .optionsGroup('Results:')
    .option('-o, --out <folder>', 'where overlays and tables go', 'maps')
    .option('--force', 'begin anew, whatever is there');
  addColorFlags(addPictureFlags(explain));
  addRunFlags(explain).action(
    run<ExplainFlags>(async (context, args, flags) => (await import('./explain.js')).explain(args[0] as string[], flags, context)),
  );

  const distil = command(program, 'distil', 'makes an explainer for a model').argument(
    '<photos...>',
    `${PHOTOS}; like those that are to be explained, some hundreds or more`,
  );
  addModelFlags(distil, false);
  distil.optionsGroup('Training:');
  distil.addOption(numberFlag('--minutes <n>', 'how long (default: 10, unless there are --steps)', number(Number.MIN_VALUE)));
  distil.addOption(numberFlag('--steps <n>', 'how many steps; with --minutes, whatever comes first', integer(1)));
  distil.addOption(numberFlag('--seed <n>', 'decides everything random', integer(0, 0xffffffff), 0));
  distil.addOption(numberFlag('--batch-size <n>', 'photos per step', integer(1), 16));
  distil.option('--no-flip', 'never mirror photos');
  distil.addOption(numberFlag('--checkpoint-seconds <n>', 'how often the state is written down', number(0), 60));
  distil.optionsGroup('Photos:').addOption(numberFlag('--limit <n>', 'only the first n', integer(1)));
  distil.option('--strict', 'stop at one that cannot be read, instead of leaving it out');
  distil
    .optionsGroup('Results:')
    .requiredOption('-o, --out <folder>', 'where the explainer goes')
    .option('--force', 'begin anew, whatever is there');
  addRunFlags(distil).action(
    run<DistilFlags>(async (context, args, flags) => (await import('./distil.js')).distil(args[0] as string[], flags, context)),
  );

  const compare = command(program, 'compare', 'measures methods against each other').argument('<photos...>', PHOTOS);
  addModelFlags(compare, true);
  addMethodFlags(compare, `${METHODS} (default: the best that there is, rise, and random as the floor)`);
  compare.option('-t, --target <class>', 'what is explained: top, or a class by number or name', 'top');
  compare.option(
    '--metrics <names>',
    'insertion, deletion, srg, drop, increase, gain, gini, entropy, intensity, mu-fidelity, sensitivity, seconds',
    'insertion,deletion,seconds',
  );
  compare.option('--limits <method=n>', 'fewer photos for slow methods: rise=20,lime=20');
  compare.option('--reference <method>', 'also the differences from this one, image by image');
  compare.optionsGroup('Results:').option('-o, --out <folder>', 'also write the tables here, as CSV and JSON');
  compare.option('--report <file>', 'also write one HTML file with maps, curves and tables; for some dozen photos');
  compare.optionsGroup('Many photos:');
  compare.option(
    '--shards <folder>',
    'work in parts that are kept here: after a stop the same command goes on, and machines share the work',
  );
  compare.addOption(
    new Option('--shard <i/n>', 'only the i-th of n shares, 1/8 to 8/8; a cluster that numbers its processes says i itself: /8').argParser(
      readShare,
    ),
  );
  addRunFlags(addPictureFlags(compare)).action(
    run<CompareFlags>(async (context, args, flags) => (await import('./compare.js')).compare(args[0] as string[], flags, context)),
  );

  const view = command(program, 'view', 'one sheet with methods side by side').argument('<photos...>', PHOTOS);
  addModelFlags(view, true);
  addMethodFlags(view, `${METHODS}; or all that the model can be explained by: all (default: the quick ones of them)`);
  view.option('-t, --target <classes>', TARGET, 'top');
  view.optionsGroup('Results:').option('-o, --out <file>', 'where the sheet goes', 'sheet.png');
  view.addOption(numberFlag('--cell-size <pixels>', 'edge of a cell', integer(16, 2048), 224));
  addRunFlags(addColorFlags(addPictureFlags(view))).action(
    run<ViewFlags>(async (context, args, flags) => (await import('./view.js')).view(args[0] as string[], flags, context)),
  );

  const describe = command(program, 'describe', 'what is known of a model, and which methods take it').argument('[model]', 'as --model');
  addRunFlags(addModelFlags(describe, true)).action(
    run<ModelFlags & RunFlags>(async (context, args, flags) =>
      (await import('./describe.js')).describe(args[0] as string | undefined, flags, context),
    ),
  );
  return program;
}

function command(program: Command, name: keyof typeof examples, words: string): Command {
  return program
    .command(name)
    .description(`${words[0]?.toUpperCase()}${words.slice(1)}.`)
    .addHelpText('after', examples[name]);
}

/** Says what went wrong, in one paragraph. */
function report(error: unknown, isDebug: boolean): ExitCode {
  const {message, stack} = error instanceof Error ? error : new Error(String(error));
  const isOurs = error instanceof AttentiveError || error instanceof TypeError || error instanceof RangeError;
  process.stderr.write(`${isDebug || !isOurs ? stack : message}\n`);
  return error instanceof CommandError ? error.exitCode : exitCodes.failed;
}
