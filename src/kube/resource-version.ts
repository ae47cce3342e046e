/**
 * Whether one resource version is older than another. They may be compared as numbers (promised since Kubernetes 1.35, true before);
 * where one is none, neither counts as older.
 */
export const isOlderVersion = (one = '', other = ''): boolean => isNumber(one) && isNumber(other) && BigInt(one) < BigInt(other)

const isNumber = (version: string): boolean => /^\d+$/.test(version)
