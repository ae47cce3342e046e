/** The Gateway API's own definitions, from its Go module (its version and its sum stand in gateway-api/), which Go keeps in its cache. */
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {parse} from 'yaml'
import type {KubeObject} from '../../src/api/object.ts'
import {go} from '../toolchain/go.ts'

const MODULE = 'sigs.k8s.io/gateway-api'

/** Resolves with the definition of HTTPRoutes, as people install it. Rejects with the reason where there is no Go, or no network for the first time. */
export async function httpRouteDefinition(): Promise<KubeObject & {readonly spec: object}> {
  const {Dir} = JSON.parse(await go(join(import.meta.dirname, 'gateway-api'), 'mod', 'download', '-json', MODULE)) as {readonly Dir: string}
  const file = join(Dir, 'config', 'crd', 'standard', 'gateway.networking.k8s.io_httproutes.yaml')
  return parse(await readFile(file, 'utf8')) as KubeObject & {readonly spec: object}
}
