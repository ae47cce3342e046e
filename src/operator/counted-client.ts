import type {Event} from '../api/core.ts'
import type {Kind} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {KubeError} from '../kube/errors.ts'

interface Count {
  /** `code`: the HTTP status, `none` where no answer came. */
  answered(verb: string, resource: string, code: string): void
  /** An Event was written. */
  told(kind: string, reason: string): void
}

/** The same client, which tells how each of its requests was answered. */
export function countedClient(client: KubeClient, {answered, told}: Count): KubeClient {
  const counted = async <T>(verb: string, {plural}: Kind, status: number, send: () => Promise<T>): Promise<T> => {
    let code = 'none'
    try {
      const result = await send()
      code = String(status)
      return result
    } catch (error) {
      if (error instanceof KubeError) code = String(error.status)
      throw error
    } finally {
      answered(verb, plural, code)
    }
  }
  return {
    ...client,
    get: (kind, ...rest) => counted('get', kind, 200, () => client.get(kind, ...rest)),
    list: (kind, ...rest) => counted('list', kind, 200, () => client.list(kind, ...rest)),
    create: async (kind, object, options) => {
      const made = await counted('create', kind, 201, () => client.create(kind, object, options))
      if (kind.plural === 'events') {
        const {involvedObject, reason} = made as unknown as Event
        told(involvedObject.kind ?? '', reason ?? '')
      }
      return made
    },
    replace: (kind, ...rest) => counted('replace', kind, 200, () => client.replace(kind, ...rest)),
    patch: (kind, ...rest) => counted('patch', kind, 200, () => client.patch(kind, ...rest)),
    apply: (kind, ...rest) => counted('apply', kind, 200, () => client.apply(kind, ...rest)),
    delete: (kind, ...rest) => counted('delete', kind, 200, () => client.delete(kind, ...rest)),
    raw: async (request) => {
      let code = 'none'
      try {
        const answer = await client.raw(request)
        code = String(answer.status)
        return answer
      } finally {
        const [path = '', query = ''] = request.path.split('?')
        const verb = query.includes('watch=true') ? 'watch' : (request.method ?? 'GET').toLowerCase()
        answered(verb, path.split('/').at(-1) ?? '', code)
      }
    },
  }
}
