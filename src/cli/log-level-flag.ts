import {Flags} from '@oclif/core'
import {DEFAULT_LOG_LEVEL, LOG_LEVELS} from '../api/log-levels.ts'

export const logLevelFlag = Flags.option({options: LOG_LEVELS})({
  default: DEFAULT_LOG_LEVEL,
  helpValue: 'LEVEL',
  summary: 'error, warn, info (each act), debug (each look at an object) or trace (also what was planned).',
})
