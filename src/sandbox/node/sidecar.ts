import type {Container} from '../../api/core.ts'

/** Whether an init container runs on beside the pod's own. Source: Kubernetes, "Sidecar Containers". */
export const isSidecar = (initContainer: Container): boolean => initContainer['restartPolicy'] === 'Always'
