import {expect, it} from 'vitest'
import {createReadLastWords} from '../../../../src/operator/job/last-words.ts'
import {play} from '../../kube/scripted-server.ts'
import {makeCluster, makePod} from '../objects.ts'

const LOG = 'GET /api/v1/namespaces/ns/pods/pi-runner/log?container=worker&tailLines=5'
const runner = makePod('pi-runner', makeCluster())

it('are the end of the log', async () => {
  await using server = await play({asked: LOG, answer: (response) => void response.end('Traceback\nValueError: no\n')})
  expect(await createReadLastWords(server.client)(runner, new AbortController().signal)).toEqual(['Traceback', 'ValueError: no'])
})

it.each([
  ['answers nothing', () => undefined],
  ['does not come to an end', (response: {write(text: string): unknown}) => void response.write('Trace')],
])('are none where a kubelet %s: the verdict does not wait for them', async (_, answer) => {
  await using server = await play({asked: LOG, answer})
  expect(await createReadLastWords(server.client, 100)(runner, new AbortController().signal)).toEqual([])
})
