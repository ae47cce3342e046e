import {describe, expect, it} from 'vitest'
import type {PodSpec} from '../../../src/api/core.ts'
import {tlsSecretOf, withTls} from '../../../src/api/tls.ts'

const NAME = 'DASK_DISTRIBUTED__COMM__TLS__WORKER__CERT'
const envOf = (spec: PodSpec): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries((spec.containers[0]?.env ?? []).map(({name, value}) => [name, value]))

describe('a pod spec with a certificate', () => {
  const plain: PodSpec = {containers: [{name: 'worker'}, {name: 'sidecar'}], initContainers: [{name: 'first'}]}

  it('has it in each container, and Dask told to take in nobody without', () => {
    const spec = withTls(plain, 'demo-tls')
    expect(tlsSecretOf({metadata: {name: 'demo-scheduler'}, spec})).toBe('demo-tls')
    for (const container of spec.containers) expect(container.volumeMounts).toMatchObject([{name: 'dask-tls', readOnly: true}])
    expect(spec.initContainers).toEqual(plain.initContainers)
    const [mount] = spec.containers[0]?.volumeMounts ?? []
    expect(envOf(spec)).toMatchObject({
      DASK_DISTRIBUTED__COMM__DEFAULT_SCHEME: 'tls',
      DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION: 'True',
      [NAME]: `${mount?.mountPath}/tls.crt`,
    })
  })

  it('never has the key of the authority', () => {
    const items = withTls(plain, 'demo-tls').volumes?.[0]?.secret?.['items']
    expect(items).toEqual(['ca.crt', 'tls.crt', 'tls.key'].map((key) => ({key, path: key})))
  })

  it('keeps what its container, or its own volume, says', () => {
    const own: PodSpec = {
      containers: [{name: 'worker', env: [{name: NAME, value: '/mine'}]}],
      volumes: [{name: 'dask-tls', csi: {driver: 'csi.cert-manager.io'}}],
    }
    const spec = withTls(own, 'demo-tls')
    expect(envOf(spec)[NAME]).toBe('/mine')
    expect(spec.volumes).toEqual(own.volumes)
  })

  it('is as it was where there is none', () => {
    expect(withTls(plain, undefined)).toBe(plain)
    expect(tlsSecretOf({metadata: {name: 'demo-scheduler'}, spec: plain})).toBeUndefined()
  })
})
