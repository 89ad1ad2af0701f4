#!/usr/bin/env node
/** What `npx attentive-distiller` starts. */
import {runProgram} from './program.js';

process.exitCode = await runProgram(process.argv.slice(2));
