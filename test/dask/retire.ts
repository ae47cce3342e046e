/** Retirement without an operator: of workers on loopback, by their addresses. */
import {directDial} from '../../src/dask/dial.ts'
import {type RetirementOptions, type RetirementOutcome, runRetirement} from '../../src/dask/retirement.ts'
import type {RealDask} from './real-dask.ts'

export const KEEP = {afterTimeout: 'keep', afterRefusal: 'keep'} as const

export const retire = async (
  cluster: RealDask,
  addresses: readonly string[],
  zero = false,
  timeoutMs = 60_000,
  others: Partial<RetirementOptions> = {},
): Promise<readonly RetirementOutcome[]> => {
  const outcomes: RetirementOutcome[] = []
  await runRetirement(addresses, {
    alone: (choose) => choose(),
    leaving: new Set(),
    immovable: new Map(),
    connect: cluster.connect,
    scheduler: {dial: directDial('127.0.0.1'), port: cluster.port},
    dialWorker: () => directDial('127.0.0.1'),
    zero,
    policy: {...KEEP, timeoutMs},
    signal: new AbortController().signal,
    maySend: () => true,
    report: (outcome) => outcomes.push(outcome),
    ...others,
  })
  return outcomes
}

export const statusesOf = async (cluster: RealDask): Promise<readonly string[]> => {
  const scheduler = await cluster.connect()
  const found = (await scheduler.identity()).workers.map(({status}) => status)
  scheduler.close()
  return found
}

export const addressesOf = async (cluster: RealDask): Promise<readonly string[]> => {
  const scheduler = await cluster.connect()
  const found = (await scheduler.identity()).workers.map(({address}) => address)
  scheduler.close()
  return found
}
