import {fileURLToPath} from 'node:url'
import type {Config} from '@oclif/core'
import type {DaskCommand} from './command.ts'

/** A command by its name, its summary and the file in which its code lies. */
export interface TreeCommand {
  readonly id: string
  readonly summary?: string
  readonly hidden?: boolean
  readonly relativePath: readonly string[]
}

export interface Program {
  /** How it was called. */
  readonly bin: string
  readonly version: string
  /** The folder of the bundle. */
  readonly root: URL
  readonly everyday: Everyday
}

/** Commands by their names that need no file of their own to be loaded. */
export type Everyday = Readonly<Record<string, () => Promise<CommandModule>>>

interface CommandModule {
  readonly default: CommandClass
}

type CommandClass = (new (argv: string[], config: Config) => DaskCommand) & {id: string}

/** Loads one command and runs it. */
export async function runCommand(
  {id, relativePath}: TreeCommand,
  argv: readonly string[],
  {bin, version, root, everyday}: Program,
): Promise<void> {
  const load = everyday[id] ?? (async () => (await import(new URL(relativePath.join('/'), root).href)) as CommandModule)
  const {default: Called} = await load()
  Called.id = id
  // oclif would look for plugins, themes and hooks; commands read these fields alone.
  const config = {bin, version, root: fileURLToPath(root)} as Config
  await new Called([...argv], config).execute()
}
