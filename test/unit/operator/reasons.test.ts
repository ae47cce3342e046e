import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import * as autoscaler from '../../../src/operator/autoscaler/reasons.ts'
import * as cluster from '../../../src/operator/cluster/reasons.ts'
import * as job from '../../../src/operator/job/reasons.ts'
import * as group from '../../../src/operator/workergroup/reasons.ts'

const page = async (name: string): Promise<string> => readFile(join(import.meta.dirname, '..', '..', '..', 'docs', `${name}.md`), 'utf8')

it('every reason that the operator gives is explained, with what helps', async () => {
  const troubleshooting = await page('troubleshooting')
  const isExplained = (reason: string): boolean => troubleshooting.includes(`\`${reason}\``)
  const reasons = [cluster, group, job].flatMap(({REASON}) => Object.values(REASON))
  expect(reasons.filter((reason) => !isExplained(reason))).toEqual([])
  const told = (await page('autoscaling')) + troubleshooting
  expect(Object.values(autoscaler.REASON).filter((reason) => !told.includes(`\`${reason}\``))).toEqual([])
})
