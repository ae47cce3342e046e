import {usageError} from './user-error.ts'

/**
 * `NAME=value` of an environment variable; everything after the first `=` is the value.
 * The API server takes any printable ASCII but `=` in a name.
 */
export function parseEnv(text: string): {readonly name: string; readonly value: string} {
  const at = text.indexOf('=')
  if (at < 0) throw usageError(`"${text}" has no value`, `write --env ${text || 'NAME'}=VALUE`)
  const name = text.slice(0, at)
  if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(name))
    throw usageError(`"${name}" cannot be the name of an environment variable`, 'write --env NAME=VALUE')
  return {name, value: text.slice(at + 1)}
}

/** `key=value` of a label or an annotation. */
export function parsePair(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`"${text}" is no KEY=VALUE`, 'write it like team=ml')
  return [text.slice(0, at), text.slice(at + 1)]
}
