/**
 * Writes `manifests/crds`: the four definitions, supersets of upstream's (contract section 1).
 * `node scripts/crds.ts` writes them, `node scripts/crds.ts --check` fails when a file is not what would be written.
 */
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {GROUP} from '../src/api/dask.ts'
import {ANNOTATION_VERSION} from '../src/api/names.ts'
import {toYaml} from '../src/cli/yaml.ts'
import {DEFINITIONS, type Definition} from './crds/kinds.ts'
import {described, object, type Schema, string} from './crds/schema.ts'

const {version} = JSON.parse(await readFile(join(dirname(import.meta.dirname), 'package.json'), 'utf8')) as {readonly version: string}

const definition = ({kind, shortNames, description, spec, status, requiresSpec, scale, columns}: Definition): Schema => {
  const singular = kind.toLowerCase()
  const plural = `${singular}s`
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    // An older program finds by it that it would take fields away.
    metadata: {name: `${plural}.${GROUP}`, annotations: {[ANNOTATION_VERSION]: version}},
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {kind, listKind: `${kind}List`, plural, singular, ...(shortNames && {shortNames})},
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: described(
              object({apiVersion: string, kind: string, metadata: {type: 'object'}, spec, status}, requiresSpec ? ['spec'] : []),
              description,
            ),
          },
          additionalPrinterColumns: columns,
          subresources: {status: {}, ...(scale && {scale})},
        },
      ],
    },
  }
}

const folder = join(dirname(import.meta.dirname), 'manifests', 'crds')
const files = DEFINITIONS.map((each) => {
  const yaml = toYaml(definition(each))
  return {path: join(folder, `${each.kind.toLowerCase()}s.yaml`), text: `# Written by \`npm run crds\` from scripts/crds.ts.\n${yaml}`}
})

if (process.argv.includes('--check')) {
  const stale: string[] = []
  for (const {path, text} of files) if ((await readFile(path, 'utf8').catch(() => '')) !== text) stale.push(path)
  if (stale.length > 0) {
    console.error(`not what scripts/crds.ts writes:\n${stale.join('\n')}`)
    process.exitCode = 1
  }
} else {
  await mkdir(folder, {recursive: true})
  for (const {path, text} of files) await writeFile(path, text)
}
