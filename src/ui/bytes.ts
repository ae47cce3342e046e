const UNITS = ['B', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const

/** Bytes in the units that Kubernetes writes, with three digits at most: `512Mi`, `1.5Gi`. */
export function formatBytes(bytes: number): string {
  const step = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** step
  const text = step === 0 || value >= 10 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '')
  return `${text}${UNITS[step]}`
}
