/** Of two versions, by numbers, part for part. */
export const isOlder = (version: string, than: string): boolean => version.localeCompare(than, 'en', {numeric: true}) < 0
