import {warn} from './output.ts'

/** What a command says when its watch breaks off: nothing new is not the same as nothing heard. */
export interface BrokenWatch {
  /** The same failure is told once, until something has been heard again. The informer itself takes the watch up again. */
  tell(error: unknown): void
  heard(): void
}

export const brokenWatch = (fact: string): BrokenWatch => {
  let told: string | undefined
  return {
    tell: (error) => {
      const words = error instanceof Error ? error.message : String(error)
      if (told !== words) warn(`${fact}: ${words}`)
      told = words
    },
    heard: () => {
      told = undefined
    },
  }
}
