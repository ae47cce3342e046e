import {API_VERSION, DASK_CLUSTERS, type DaskCluster} from '../../src/api/dask.ts'

const COMPONENT = 'dask.org/component'

/** As the Python client makes it, with the values that a person would have given. */
export const cluster = (namespace: string, name: string, replicas: number): DaskCluster => {
  const port = (portName: string, containerPort: number) => ({name: portName, containerPort, protocol: 'TCP' as const})
  const image = 'ghcr.io/dask/dask:latest'
  const resources = {requests: {cpu: '1', memory: '2Gi'}, limits: {cpu: '1', memory: '2Gi'}}
  return {
    apiVersion: API_VERSION,
    kind: DASK_CLUSTERS.kind,
    metadata: {name, namespace},
    spec: {
      worker: {
        replicas,
        spec: {
          containers: [
            {
              ...{name: 'worker', image, resources},
              args: ['dask', 'worker', '--name', '$(DASK_WORKER_NAME)', '--dashboard', '--dashboard-address', '8788'],
              ports: [port('http-dashboard', 8788)],
            },
          ],
        },
      },
      scheduler: {
        spec: {
          containers: [
            {
              ...{name: 'scheduler', image, args: ['dask', 'scheduler', '--host', '0.0.0.0']},
              ports: [port('tcp-comm', 8786), port('http-dashboard', 8787)],
            },
          ],
        },
        service: {
          type: 'ClusterIP',
          selector: {'dask.org/cluster-name': name, [COMPONENT]: 'scheduler'},
          ports: [
            {name: 'tcp-comm', protocol: 'TCP', port: 8786, targetPort: 'tcp-comm'},
            {name: 'http-dashboard', protocol: 'TCP', port: 8787, targetPort: 'http-dashboard'},
          ],
        },
      },
    },
  }
}
