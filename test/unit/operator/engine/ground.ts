/**
 * An API server with one kind of its own, Widgets, whose operator keeps `spec.replicas` ConfigMaps for each; between operator and server stands
 * whatever a test wants to go wrong: refusals, lost answers, watches that are late.
 */
import {randomBytes, randomUUID} from 'node:crypto'
import {setTimeout as pause} from 'node:timers/promises'
import {CUSTOM_RESOURCE_DEFINITIONS} from '../../../../src/api/core.ts'
import type {Condition, Kind, KubeObject} from '../../../../src/api/object.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../../src/kube/config.ts'
import {connect} from '../../../../src/kube/connect.ts'
import {startInformer} from '../../../../src/kube/start-informer.ts'
import type {Controller} from '../../../../src/operator/engine/contract.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {type OperatorOptions, startOperator} from '../../../../src/operator/engine/operator.ts'
import type {AnyController} from '../../../../src/operator/engine/reconcile.ts'
import {startGround} from '../../sandbox/apiserver/ground.ts'

export interface Widget extends KubeObject {
  readonly spec: {readonly replicas?: number; readonly label?: string; readonly extra?: unknown}
  readonly status?: WidgetStatus
}

export interface WidgetStatus {
  readonly observedGeneration?: number
  readonly children?: number
  readonly conditions?: readonly Condition[]
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

export const WIDGETS: Kind<Widget> = {apiVersion: 'laws.example/v1', kind: 'Widget', plural: 'widgets', namespaced: true}
export const CONFIG_MAPS: Kind<ConfigMap> = {apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true}
const NAMESPACES: Kind = {apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false}

export interface World {
  readonly children: readonly ConfigMap[]
  readonly ids: readonly string[]
}

export type WidgetController = Controller<Widget, World>

/** As many ConfigMaps as `spec.replicas` says, under random names; whoever goes is chosen at random. */
export const widgetController = (changes: Partial<WidgetController> = {}): WidgetController => ({
  kind: WIDGETS,
  owns: [CONFIG_MAPS],
  observe: (widget, reader) => ({
    children: reader
      .cache(CONFIG_MAPS)
      .ownedBy(widget.metadata.uid ?? '')
      .filter(({metadata}) => metadata.deletionTimestamp === undefined)
      .toSorted(() => Math.random() - 0.5),
    ids: Array.from({length: widget.spec.replicas ?? 0}, () => randomBytes(4).toString('hex')),
  }),
  plan: (widget, {children, ids}) => {
    const missing = (widget.spec.replicas ?? 0) - children.length
    const {namespace = '', generation} = widget.metadata
    return {
      stages: [
        ids.slice(0, Math.max(0, missing)).map((id) => ({do: 'create' as const, kind: CONFIG_MAPS, object: childOf(widget, id)})),
        children.slice(0, Math.max(0, -missing)).map(({metadata: {name, uid = ''}}) => ({
          do: 'delete' as const,
          kind: CONFIG_MAPS,
          ref: {namespace, name},
          uid,
          why: 'it is too many',
        })),
      ],
      status: {children: children.length, ...(generation !== undefined && {observedGeneration: generation})},
    }
  },
  failed: (status, {reason, message}, now) => ({
    ...status,
    conditions: [{type: 'Ready', status: 'False', reason, message, lastTransitionTime: new Date(now).toISOString()}],
  }),
  ...changes,
})

export const childOf = ({metadata: {name, namespace = ''}, spec}: Widget, id: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {name: `${name}-${id}`, namespace, ...(spec.label !== undefined && {labels: {label: spec.label}})},
})

export const widget = (name: string, spec: Widget['spec'], namespace: string): Widget => ({
  apiVersion: WIDGETS.apiVersion,
  kind: WIDGETS.kind,
  metadata: {name, namespace},
  spec,
})

export const crd = ({hasStatus = true, statusSchema = {}}: {hasStatus?: boolean; statusSchema?: object} = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {name: 'widgets.laws.example'},
  spec: {
    group: 'laws.example',
    scope: 'Namespaced',
    names: {kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList'},
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        ...(hasStatus && {subresources: {status: {}}}),
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true},
              status: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true, ...statusSchema},
            },
          },
        },
      },
    ],
  },
})

/** One request of the operator, but for lists, watches and discovery. */
export interface Call {
  readonly verb: 'get' | 'create' | 'replace' | 'patch' | 'apply' | 'delete'
  readonly kind: string
  readonly name: string
  readonly subresource?: string
  readonly signal?: AbortSignal
}

/** Stands between the operator and the server: answers for a call, or has it sent. */
export type Meddler = (call: Call, send: () => Promise<unknown>) => Promise<unknown>

export interface Meddled {
  readonly client: KubeClient
  readonly calls: Call[]
  meddle(meddler: Meddler): void
  /** Holds back what open watches of this kind have to tell, until `release`; a list that is begun later is answered. */
  hold(kind: Kind): void
  release(): void
}

/** The same client, as a bad network or a busy server would make it. */
export function meddleWith(client: KubeClient): Meddled {
  const calls: Call[] = []
  let meddler: Meddler = (_, send) => send()
  const open = new Set<{readonly path: string; gate?: PromiseWithResolvers<void>}>()
  const pass = async <T>(call: Call, send: () => Promise<T>): Promise<T> => {
    calls.push(call)
    return (await meddler(call, send)) as T
  }
  const about = (kind: Kind, name: string, options: {subresource?: string; signal?: AbortSignal} = {}) => ({
    kind: kind.kind,
    name,
    ...(options.subresource !== undefined && {subresource: options.subresource}),
    ...(options.signal && {signal: options.signal}),
  })
  return {
    calls,
    meddle: (next) => {
      meddler = next
    },
    hold: (kind) => {
      for (const watch of open) if (watch.path.includes(`/${kind.plural}?`)) watch.gate = Promise.withResolvers()
    },
    release: () => {
      for (const {gate} of open) gate?.resolve()
    },
    client: {
      ...client,
      get: (kind, ref, options) => pass({verb: 'get', ...about(kind, ref.name, options)}, () => client.get(kind, ref, options)),
      create: (kind, object, options) =>
        pass({verb: 'create', ...about(kind, object.metadata.name, options)}, () => client.create(kind, object, options)),
      replace: (kind, object, options) =>
        pass({verb: 'replace', ...about(kind, object.metadata.name, options)}, () => client.replace(kind, object, options)),
      patch: (kind, ref, patch, options) =>
        pass({verb: 'patch', ...about(kind, ref.name, options)}, () => client.patch(kind, ref, patch, options)),
      apply: (kind, object, options) =>
        pass({verb: 'apply', ...about(kind, object.metadata.name, options)}, () => client.apply(kind, object, options)),
      delete: (kind, ref, options) => pass({verb: 'delete', ...about(kind, ref.name, options)}, () => client.delete(kind, ref, options)),
      raw: async (request) => {
        const response = await client.raw(request)
        if (!request.path.includes('watch=true')) return response
        const watch: {readonly path: string; gate?: PromiseWithResolvers<void>} = {path: request.path}
        open.add(watch)
        const end = (): void => {
          open.delete(watch)
          watch.gate?.resolve()
        }
        request.signal?.addEventListener('abort', end, {once: true})
        return {
          ...response,
          body: {
            text: () => response.body.text(),
            async *[Symbol.asyncIterator]() {
              try {
                for await (const chunk of response.body) {
                  await watch.gate?.promise
                  request.signal?.throwIfAborted()
                  yield chunk
                }
              } finally {
                end()
              }
            },
          },
        }
      },
    },
  }
}

export interface Running extends Meddled {
  readonly log: readonly string[]
  /** Rejects when the operator fails. */
  readonly done: Promise<void>
  stop(): Promise<void>
}

export interface EngineGround {
  /** The test's own hands: nothing meddles. */
  readonly client: KubeClient
  /** A new namespace. */
  namespace(): Promise<string>
  /** Resolves when the operator of this namespace works. */
  run(
    namespace: string,
    controller: WidgetController,
    options?: Partial<OperatorOptions>,
    before?: (meddled: Meddled) => void,
  ): Promise<Running>
  children(namespace: string): Promise<readonly ConfigMap[]>
  stop(): Promise<void>
}

export async function startEngineGround(): Promise<EngineGround> {
  const ground = await startGround()
  const client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd() as KubeObject)
  await until(async () => (await client.raw({path: `/apis/${WIDGETS.apiVersion}`})).status === 200)
  const running = new Set<() => Promise<void>>()
  return {
    client,
    namespace: async () => {
      const name = `t-${randomUUID().slice(0, 8)}`
      await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name}})
      return name
    },
    run: async (namespace, controller, options = {}, before) => {
      const meddled = meddleWith(client)
      before?.(meddled)
      const life = new AbortController()
      const log: string[] = []
      const ready = Promise.withResolvers<void>()
      const done = startOperator({
        client: meddled.client,
        controllers: [controller as unknown as AnyController],
        startInformer,
        namespace,
        identity: 'only-one',
        signal: life.signal,
        log: createLog('warn', (line) => log.push(line)),
        onReady: ready.resolve,
        ...options,
      })
      const stop = async (): Promise<void> => {
        life.abort()
        running.delete(stop)
        meddled.release()
        await done
      }
      running.add(stop)
      done.catch(() => running.delete(stop))
      await Promise.race([ready.promise, done])
      return {...meddled, log, done, stop}
    },
    children: async (namespace) =>
      (await client.list(CONFIG_MAPS, {namespace})).items.filter(({metadata}) => metadata.ownerReferences !== undefined),
    stop: async () => {
      await Promise.all([...running].map((stop) => stop()))
      await client.close()
      await ground.stop()
    },
  }
}

/** Resolves when it holds; what it throws counts as not yet. Rejects after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 8_000): Promise<void> {
  const end = performance.now() + ms
  let last: unknown
  while (performance.now() < end) {
    try {
      if (await holds()) return
      last = undefined
    } catch (error) {
      last = error
    }
    await pause(5)
  }
  throw new Error(`not within ${ms} ms: ${holds}`, {cause: last})
}
