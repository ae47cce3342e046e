import {render} from 'ink-testing-library'
import {describe, expect, it, vi} from 'vitest'
import type {Board} from '../../../../src/ui/watch/model.ts'
import {Screen, type ScreenFeed} from '../../../../src/ui/watch/screen.tsx'
import {board, cluster, worker} from './cards.ts'

/** What a reader sees: no colours. */
const plain = (frame: string | undefined): string => (frame ?? '').replaceAll(/\u001B\[[\d;]*m/g, '')

/** However busy the machine is. */
const SOON = {timeout: 10_000}

const ground = (first: Board) => {
  const scaled: string[] = []
  let shown = first
  let tell = (): void => undefined
  const feed: ScreenFeed = {
    board: () => shown,
    subscribe: (onNews) => {
      tell = onNews
      return () => undefined
    },
    scale: async ({name}, replicas) => {
      scaled.push(`${name} ${replicas}`)
      return `${name} has been told`
    },
    read: async (_source, onLines) => onLines(['first line', 'second line']),
  }
  const onQuit = vi.fn()
  const view = render(<Screen feed={feed} onQuit={onQuit} />)
  const sees = (text: string): Promise<void> => vi.waitFor(() => expect(plain(view.lastFrame())).toContain(text), SOON)
  const press = async (keys: string): Promise<void> => {
    // Keys are taken from when the first frame is drawn.
    await sees('dask')
    for (const key of keys) view.stdin.write(key)
  }
  const news = (next: Board): void => {
    shown = next
    tell()
  }
  return {...view, sees, press, news, scaled, onQuit}
}

describe('the full screen', () => {
  it('follows the board', async () => {
    const {sees, news, unmount} = ground(board([cluster('demo', [worker('w-1')])]))
    await sees('1 cluster')
    news(board([cluster('demo', []), cluster('other', [])]))
    await sees('2 clusters')
    unmount()
  })

  it('opens a cluster, its description, and goes back', async () => {
    const {sees, press, unmount} = ground(board([cluster('demo', [worker('w-1')])]))
    await sees('1 cluster')
    await press('\r')
    await sees('demo-default 1/1')
    await press('d')
    await sees('second line')
    await press('q')
    await sees('demo-default 1/1')
    unmount()
  })

  it('takes several keys that come in one piece', async () => {
    const {sees, stdin, scaled, onQuit, unmount} = ground(board([cluster('demo', [worker('w-1')])]))
    await sees('1 cluster')
    stdin.write('s')
    await sees('Workers of demo')
    stdin.write('29\u007F4\r')
    await sees('demo has been told')
    expect(scaled).toEqual(['demo 24'])
    stdin.write('jkq')
    await vi.waitFor(() => expect(onQuit).toHaveBeenCalled())
    unmount()
  })

  it('scales by a number that is typed, and tells what came of it', async () => {
    const {sees, press, scaled, unmount} = ground(board([cluster('demo', [worker('w-1')])]))
    await sees('1 cluster')
    await press('s')
    await sees('Workers of demo')
    await press('12\r')
    await sees('demo has been told')
    expect(scaled).toEqual(['demo 12'])
    unmount()
  })

  it('ends on q and on Ctrl-C', async () => {
    const {sees, press, onQuit, unmount} = ground(board([]))
    await sees('No clusters')
    await press('q')
    await vi.waitFor(() => expect(onQuit).toHaveBeenCalledTimes(1), SOON)
    await press('\u0003')
    await vi.waitFor(() => expect(onQuit).toHaveBeenCalledTimes(2), SOON)
    unmount()
  })
})
