import {Box, render, Text, useInput, useWindowSize} from 'ink'
import {memo, useEffect, useReducer, useRef, useState, useSyncExternalStore} from 'react'
import {frame} from './frame.ts'
import type {Board, ClusterCard} from './model.ts'
import {isSameLine, type Line, type Span} from './spans.ts'
import {type Key, reduce, startState, type TextSource, type ViewState} from './state.ts'
import {bounded, textRows} from './text-page.ts'

/** What feeds the screen, and what it may have done. */
export interface ScreenFeed {
  /** The newest board; the same object until there is news. */
  readonly board: () => Board
  /** Calls back at each news; returns how to stop. */
  readonly subscribe: (onNews: () => void) => () => void
  /** Resolves with a sentence for the person. */
  readonly scale: (cluster: ClusterCard, replicas: number) => Promise<string>
  /** Hands over the lines of a text as they come, until `signal` aborts. */
  readonly read: (source: TextSource, onLines: (lines: readonly string[]) => void, signal: AbortSignal) => Promise<void>
}

export interface ScreenProps {
  readonly feed: ScreenFeed
  /** Key of the cluster to begin with. */
  readonly cluster?: string
  readonly onQuit: () => void
}

const MAX_LINES = 5_000

const SpanView = ({span: {text, color, bold, dim, inverse}}: {readonly span: Span}) => (
  <Text {...(color && {color})} bold={bold ?? false} dimColor={dim ?? false} inverse={inverse ?? false}>
    {text}
  </Text>
)

/** Most lines are the same as before at most times. */
const LineView = memo(
  ({line}: {readonly line: Line}) => (
    <Text wrap="truncate-end">
      {line.map((span, index) => (
        // Pieces of a line have no identity but their place.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <SpanView key={index} span={span} />
      ))}
    </Text>
  ),
  (before, after) => isSameLine(before.line, after.line),
)

export const Screen = ({feed, cluster, onQuit}: ScreenProps) => {
  const board = useSyncExternalStore(feed.subscribe, feed.board)
  const size = useWindowSize()
  const [state, setState] = useReducer((_: ViewState, next: ViewState) => next, cluster, startState)
  const text = useText(state.page.kind === 'text' ? state.page.source : undefined, feed)
  // Several keys may come in one piece, before anything is drawn.
  const now = useRef(state)
  const change = (next: ViewState): void => {
    const {page} = next
    now.current = page.kind === 'text' ? {...next, page: bounded(page, textRows(text, size.columns).length, size.rows)} : next
    setState(now.current)
  }
  const scale = (of: ClusterCard, replicas: number): void => {
    const tell = (notice: string): void => change({...now.current, notice})
    feed.scale(of, replicas).then(tell, (error: unknown) => tell(error instanceof Error ? error.message : String(error)))
  }
  useInput((input, key) => {
    for (const pressed of pressedKeys(input, key)) {
      if (pressed === 'interrupt') return onQuit()
      const {state: next, effect} = reduce(now.current, pressed, board, Math.max(1, size.rows - 8))
      change(next)
      if (effect?.kind === 'quit') return onQuit()
      if (effect?.kind === 'scale') scale(effect.cluster, effect.replicas)
    }
    return undefined
  })
  return (
    <Box flexDirection="column" width={size.columns} height={size.rows}>
      {frame(board, state, text, size).map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines of a screen have no identity but their place
        <LineView key={index} line={line} />
      ))}
    </Box>
  )
}

/** The lines of a text from when it is opened. */
const useText = (source: TextSource | undefined, feed: ScreenFeed): readonly string[] => {
  const [lines, setLines] = useState<readonly string[]>([])
  useEffect(() => {
    setLines([])
    if (!source) return undefined
    const end = new AbortController()
    const add = (more: readonly string[]): void => setLines((before) => [...before, ...more].slice(-MAX_LINES))
    feed.read(source, add, end.signal).catch((error: unknown) => {
      if (!end.signal.aborted) add([`error: ${error instanceof Error ? error.message : String(error)}`])
    })
    return () => end.abort()
  }, [source, feed])
  return lines
}

type InkKey = Parameters<Parameters<typeof useInput>[0]>[1]

/** What a terminal hands over in one piece may be several keys: a slow line, something pasted. */
const pressedKeys = (input: string, key: InkKey): readonly (Key | 'interrupt')[] => {
  if (key.ctrl && input === 'c') return ['interrupt']
  const special = specialKey(key)
  if (special) return [special]
  return key.ctrl || key.meta ? [] : [...input].map((char) => CONTROLS[char] ?? {char})
}

const CONTROLS: Readonly<Record<string, Key | 'interrupt'>> = {
  ...{'\r': 'enter', '\n': 'enter', '\u007F': 'backspace', '\b': 'backspace', '\u001B': 'escape', '\u0003': 'interrupt'},
}

const specialKey = (key: InkKey): Key | undefined => {
  if (key.upArrow) return 'up'
  if (key.downArrow) return 'down'
  if (key.pageUp) return 'pageUp'
  if (key.pageDown) return 'pageDown'
  if (key.home) return 'home'
  if (key.end) return 'end'
  if (key.return) return 'enter'
  if (key.escape) return 'escape'
  if (key.backspace || key.delete) return 'backspace'
  return undefined
}

/** Draws full-screen until a person quits or `signal` aborts; the terminal is then as it was. */
export async function openScreen(feed: ScreenFeed, options: {readonly cluster?: string; readonly signal: AbortSignal}): Promise<void> {
  const {cluster, signal} = options
  const done = Promise.withResolvers<void>()
  const view = render(<Screen feed={feed} {...(cluster !== undefined && {cluster})} onQuit={() => done.resolve()} />, {
    exitOnCtrlC: false,
    patchConsole: false,
    alternateScreen: true,
    incrementalRendering: true,
  })
  const onAbort = (): void => done.resolve()
  signal.addEventListener('abort', onAbort, {once: true})
  try {
    await done.promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    view.unmount()
    await view.waitUntilExit()
  }
}
