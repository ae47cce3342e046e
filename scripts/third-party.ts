/** `dist/THIRD-PARTY-LICENSES`: what is bundled is another's work, and its licence asks for its notice wherever it goes. */
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'

export const THIRD_PARTY = 'THIRD-PARTY-LICENSES'

/** Our API schemas are made of Kubernetes' own (scripts/schemas.ts). */
const KUBERNETES = 'src/sandbox/apiserver/schemas/LICENSE-kubernetes'

const NOTICE = /^(licen[cs]e|notice|copying)(\.|$)/i

/** The notices of the packages in these folders, like `node_modules/undici`; those with the same words stand above them together. */
export async function thirdPartyLicenses(root: string, folders: readonly string[]): Promise<string> {
  const named = new Map<string, string[]>()
  for (const folder of folders) {
    const {name, version, license} = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Readonly<
      Record<string, string>
    >
    const files = (await readdir(join(root, folder))).filter((file) => NOTICE.test(file)).toSorted()
    const texts = await Promise.all(files.map(async (file) => (await readFile(join(root, folder, file), 'utf8')).trim()))
    const words = texts.length > 0 ? texts.join('\n\n') : `It comes without a text of its licence: ${license}.`
    named.set(words, [...(named.get(words) ?? []), `${name} ${version} (${license})`])
  }
  const kubernetes = await readFile(join(root, KUBERNETES), 'utf8')
  const parts = [...named].map(([words, names]) => `${names.join('\n')}\n\n${words}`)
  return `${[...parts, `Kubernetes: its API's schemas (Apache-2.0)\n\n${kubernetes.trim()}`].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
