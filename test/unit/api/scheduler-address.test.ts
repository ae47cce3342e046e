import {describe, expect, it} from 'vitest'
import type {Pod, Service} from '../../../src/api/core.ts'
import {schedulerAddress, schedulerPodPort} from '../../../src/api/scheduler-address.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name: 'demo-scheduler'},
  spec: {containers: [{name: 'sidecar'}, {name: 'scheduler', ports: [{name: 'tcp-comm', containerPort: 9786}]}]},
}
const service = (port: object): Pick<Service, 'spec'> => ({
  spec: {
    ports: [
      {name: 'http-dashboard', port: 8787},
      {name: 'tcp-comm', port: 80, ...port},
    ],
  },
})

describe('a scheduler', () => {
  it('is addressed by its service’s port, without the cluster domain', () => {
    expect(schedulerAddress('demo', 'ns', service({}))).toBe('tcp://demo-scheduler.ns.svc:80')
    expect(schedulerAddress('demo', 'ns', undefined)).toBe('tcp://demo-scheduler.ns.svc:8786')
  })
  it.each<[string, Pick<Service, 'spec'> | undefined, number]>([
    ['a named target port', service({targetPort: 'tcp-comm'}), 9786],
    ['a number as target port', service({targetPort: 8000}), 8000],
    ['no target port', service({}), 80],
    ['a name that no container has', service({targetPort: 'other'}), 8786],
    ['no service', undefined, 8786],
  ])('listens in its pod where the service leads to: %s', (_, spec, port) => {
    expect(schedulerPodPort(spec, pod)).toBe(port)
  })
})
