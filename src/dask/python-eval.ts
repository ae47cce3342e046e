/** Expressions of Python that a scheduler evaluates: read-only ones, which answer with a list as JSON text. */

/** A function as schedulers take it: a pickle (protocol 2) of `eval(source)`. */
export const pickledEval = (source: string): Buffer => {
  const text = Buffer.from(source)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([Buffer.from('\x80\x02cbuiltins\neval\nX', 'latin1'), length, text, Buffer.from('\x85R.', 'latin1')])
}

/** What such an expression answered; nothing where it was refused. */
export const parsedList = (text: unknown): readonly unknown[] => {
  const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
  return Array.isArray(parsed) ? parsed : []
}
