/** `describe`: what goes into a model, what comes out, and which methods take it. */
import {selectBackend} from '../backend/select-backend.js';
import {describeTeacher} from '../models/describe-teacher.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import type {ModelFlags, RunFlags} from './flags.js';
import {openModel} from './open-model.js';
import type {Context} from './terminal.js';

/** Runs the command. The model may be named with or without its flag. */
export async function describe(path: string | undefined, flags: ModelFlags & RunFlags, {terminal, signal}: Context): Promise<ExitCode> {
  if (path !== undefined && flags.model !== undefined)
    throw new CommandError(`Two models are named, '${path}' and '${flags.model}'. Name one.`);
  const {backend, unavailable} = await selectBackend(flags.backend === undefined ? {} : {prefer: [flags.backend]});
  const model = await openModel({...flags, model: path ?? flags.model}, {terminal, signal, forPictures: false});
  try {
    const {text, ...description} = describeTeacher(model.teacher);
    terminal.text(text);
    terminal.record({...description, backend, unavailableBackends: unavailable});
    return exitCodes.done;
  } finally {
    await model.dispose();
  }
}
