/** The operator as a process that can be killed at any moment. Its kubeconfig leads to the proxy. */
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {createLog} from '../../src/operator/engine/log.ts'
import {runOperator} from '../../src/operator/run.ts'

const log = (line: string): void => void process.stderr.write(`${line.trimEnd()}\n`)

for (;;)
  try {
    // A killed leader's lease would have to run out before the next one works: too long to wait for in each schedule.
    await runOperator({
      client: connect(loadKubeConfig()),
      identity: 'chaos',
      leaderElection: false,
      signal: new AbortController().signal,
      log: createLog('warn', log),
      onReady: () => log('ready'),
    })
  } catch (error) {
    // A pod's operator ends and is started again; here that costs less.
    log(`ended: ${error instanceof Error ? error.message : String(error)}`)
  }
