import {Flags} from '@oclif/core'
import {timeoutFlag} from './flags.ts'

/** Where a tunnel to a scheduler begins. */
export const tunnelFlags = {
  port: Flags.integer({
    min: 0,
    max: 65_535,
    default: 0,
    helpValue: 'PORT',
    summary: 'Local port for the scheduler; any free one where it is not given.',
  }),
  'dashboard-port': Flags.integer({
    ...{min: 0, max: 65_535, default: 0, helpValue: 'PORT'},
    summary: 'Local port for the dashboard; any free one where it is not given.',
  }),
  address: Flags.string({default: '127.0.0.1', helpValue: 'IP', summary: 'Local address to listen on.'}),
  timeout: timeoutFlag('1m'),
}

export const tunnelOptions = (flags: {
  readonly port: number
  readonly 'dashboard-port': number
  readonly address: string
  readonly timeout: number
}): {readonly address: string; readonly schedulerPort: number; readonly dashboardPort: number; readonly patienceMs: number} => ({
  address: flags.address,
  schedulerPort: flags.port,
  dashboardPort: flags['dashboard-port'],
  patienceMs: flags.timeout,
})
