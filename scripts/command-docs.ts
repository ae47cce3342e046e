/** `node scripts/command-docs.ts [--check]`: docs/commands/ from the commands as the build wrote them down; a page a noun. */
import {mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {type HelpCommand, renderCommand, renderRoot} from '../src/cli/help.ts'
import {build, isStale} from './build.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'docs', 'commands')
const BIN = 'kubectl dask'

if (await isStale()) await build()
const manifest = JSON.parse(await readFile(join(root, 'dist', 'oclif.manifest.json'), 'utf8')) as {
  readonly commands: Readonly<Record<string, HelpCommand>>
}
const commands = Object.values(manifest.commands)
  .filter(({hidden}) => !hidden)
  .toSorted((one, other) => (one.id < other.id ? -1 : 1))
const nouns = [...new Set(commands.map(({id}) => id.split(':')[0] ?? id))]

const block = (text: string): string => `\`\`\`\n${text.trimEnd()}\n\`\`\`\n`
const page = (noun: string): string =>
  [
    `# ${BIN} ${noun}\n`,
    ...commands
      .filter(({id}) => id === noun || id.startsWith(`${noun}:`))
      .map((command) => `${command.id === noun ? '' : `## ${command.id.replaceAll(':', ' ')}\n\n`}${block(renderCommand(BIN, command))}`),
  ].join('\n')

const pages = new Map([
  ['README.md', `# Commands\n\n${nouns.map((noun) => `[${noun}](${noun}.md)`).join(' · ')}\n\n${block(renderRoot(BIN, commands))}`],
  ...nouns.map((noun) => [`${noun}.md`, page(noun)] as const),
])

if (process.argv.includes('--check')) {
  const there = await readdir(folder).catch(() => [])
  const wrong = there.filter((file) => !pages.has(file))
  for (const [file, text] of pages) if ((await readFile(join(folder, file), 'utf8').catch(() => '')) !== text) wrong.push(file)
  if (wrong.length > 0) console.log(`docs/commands is not what the commands say: ${wrong.join(', ')}`)
  process.exitCode = wrong.length > 0 ? 1 : 0
} else {
  await rm(folder, {recursive: true, force: true})
  await mkdir(folder, {recursive: true})
  for (const [file, text] of pages) await writeFile(join(folder, file), text)
  console.log(`${pages.size} pages in docs/commands`)
}
