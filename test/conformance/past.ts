/** What has been is forgotten, on either ground: watches, pages and versions from before are told 410 from then on. */
import type {Ask} from './wire.ts'
import {map} from './wire.ts'

/** More changes of a kind than the sandbox keeps. */
const MANY = 5_000
const AT_ONCE = 50

/** Resolves when the changes of this collection up to now have been given up; of the real server its own cache follows within 15 s. */
export async function forgetThePast(ask: Ask, collection: string, object: (name: string) => object = map): Promise<void> {
  const etcd = process.env['ETCD']
  if (etcd) await compact(etcd)
  else await writeMuch(ask, collection, object)
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** As the API server does it every five minutes: it notes the revision where its own cache looks, then has etcd drop what was before. */
const compact = async (etcd: string): Promise<void> => {
  const call = async (path: string, body: object) => {
    const answer = await fetch(`${etcd}/v3/${path}`, {method: 'POST', body: JSON.stringify(body)})
    if (!answer.ok) throw new Error(`etcd answers ${answer.status} to ${path}: ${await answer.text()}`)
    return (await answer.json()) as {readonly header: {readonly revision: string}}
  }
  const {revision} = (await call('kv/range', {key: base64('compact_rev_key')})).header
  await call('kv/put', {key: base64('compact_rev_key'), value: base64(revision)})
  await call('kv/compaction', {revision})
}

/** Nothing but a change makes the sandbox forget, and it counts each kind for itself. */
const writeMuch = async (ask: Ask, collection: string, object: (name: string) => object): Promise<void> => {
  const one = async (name: string, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      await ask('POST', collection, object(name))
      await ask('DELETE', `${collection}/${name}`)
    }
  }
  await Promise.all(Array.from({length: AT_ONCE}, (_, index) => one(`passing-${index}`, MANY / 2 / AT_ONCE)))
}
