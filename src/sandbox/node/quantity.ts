/** Kubernetes quantities as numbers: `500m` → 0.5, `1Gi` → 1073741824. */
const SUFFIXES: Readonly<Record<string, number>> = {
  ...{n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18},
  ...{Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60},
}

/** `undefined` for what is no quantity. Source: apimachinery, resource.Quantity. */
export function parseQuantity(quantity: string | number | undefined): number | undefined {
  if (typeof quantity === 'number') return quantity
  const [, digits = '', suffix = ''] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(quantity ?? '') ?? []
  const factor = SUFFIXES[suffix]
  return digits === '' || factor === undefined ? undefined : Number(digits) * factor
}
