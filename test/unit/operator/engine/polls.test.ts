import {describe, expect, it} from 'vitest'
import {createPolls} from '../../../../src/operator/engine/polls.ts'

const turns = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a question that is asked again and again', () => {
  it('is asked at once, never twice at a time, and no more when nobody needs the answer', async () => {
    const asked: string[] = []
    const ended: string[] = []
    let running = 0
    let most = 0
    const polls = createPolls<string>({
      ask: async (question) => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setTimeout(resolve, 1))
        asked.push(question)
        running -= 1
      },
      everyMs: () => 1,
      onEnd: (key) => ended.push(key),
    })
    const life = new AbortController()
    polls.start(life.signal)
    for (let time = 0; time < 5; time++) polls.follow('key', () => (asked.length < 3 ? 'question' : undefined))
    await turns(() => ended.length > 0)
    expect({asked, ended, most}).toEqual({asked: ['question', 'question', 'question'], ended: ['key'], most: 1})
    polls.follow('key', () => (asked.length < 4 ? 'later' : undefined))
    await turns(() => ended.length > 1)
    expect(asked.at(-1)).toBe('later')
    life.abort()
  })

  it('is not asked before it may begin, and not after the end', async () => {
    const asked: string[] = []
    const polls = createPolls<string>({ask: async (question) => void asked.push(question), everyMs: () => 10_000, onEnd: () => undefined})
    polls.follow('early', () => 'early')
    const life = new AbortController()
    polls.start(life.signal)
    polls.follow('one', () => 'one')
    await turns(() => asked.length > 0)
    life.abort()
    polls.follow('late', () => 'late')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(asked).toEqual(['one'])
  })
})
