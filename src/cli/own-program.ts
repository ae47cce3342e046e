import {isSea} from 'node:sea'

/** This very program, to be started once more: a single executable is its own Node.js and its own script, and takes no flags of Node.js. */
export const ownProgram = (...nodeFlags: readonly string[]): readonly [string, ...string[]] =>
  isSea() ? [process.execPath] : [process.execPath, ...nodeFlags, process.argv[1] ?? '']
