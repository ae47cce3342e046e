/** Which of our shapes a client wants: an object, a Table, partial metadata, aggregated discovery. */
import {notAcceptable} from './errors.ts'

export interface Wanted {
  /** `as` of the media type; `undefined`: the object itself. */
  readonly as: string | undefined
  readonly version: string | undefined
  /** The media type to answer with. */
  readonly contentType: string
}

const PLAIN: Wanted = {as: undefined, version: undefined, contentType: 'application/json'}

export const DISCOVERY = 'APIGroupDiscoveryList'

/** The first media type that can be had; 406 when there is none (protobuf and CBOR alone). */
export function wanted(accept: string | undefined, shapes: readonly string[]): Wanted {
  if (!accept) return PLAIN
  for (const each of accept.split(',')) {
    const [type = '', ...parameters] = each.split(';').map((part) => part.trim())
    const values = new Map(parameters.map((part) => part.split('=', 2) as [string, string]))
    const as = values.get('as')
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue
    if (as === undefined) return PLAIN
    if (shapes.includes(as)) {
      const version = values.get('v')
      // Only discovery tells its shape here, too.
      const about = as === DISCOVERY ? `;g=${values.get('g') ?? ''};v=${version ?? ''};as=${as}` : ''
      return {as, version, contentType: `application/json${about}`}
    }
  }
  throw notAcceptable()
}
