import type {Event} from '../api/core.ts'

/** When it was last told, as text that sorts by time. */
export const eventTime = ({lastTimestamp, firstTimestamp, metadata}: Event): string =>
  lastTimestamp ?? firstTimestamp ?? metadata.creationTimestamp ?? ''

/** Its message in one line, and how often it came. */
export const eventText = ({message, count = 1}: Event): string =>
  `${message.trim().replaceAll(/\s*\n\s*/g, ' ')}${count > 1 ? ` (${count} times)` : ''}`
