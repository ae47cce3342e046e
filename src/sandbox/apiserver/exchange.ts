/** One request and its answer, over HTTP/1.1 or HTTP/2. */
import type {Http2ServerRequest, Http2ServerResponse} from 'node:http2'
import {parse as parseYaml} from 'yaml'
import {KUBERNETES_YAML} from '../../kube/yaml-options.ts'
import {badRequest, Refusal, statusOf, unsupportedMediaType} from './errors.ts'
import {fromProtobuf, PROTOBUF} from './protobuf.ts'
import type {User} from './reviews.ts'

/** As the real server's limit for one request. */
const MOST_BODY_BYTES = 3 * 1024 * 1024

export interface Exchange {
  readonly method: string
  /** Path without its leading slash, cut and decoded. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly user: User
  readonly request: Http2ServerRequest
  readonly response: Http2ServerResponse
}

export interface Target {
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

export function parseTarget(url: string): Target {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const segments = path.split('/').filter((each) => each !== '')
  try {
    return {
      segments: path.includes('%') ? segments.map(decodeURIComponent) : segments,
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    }
  } catch {
    throw badRequest(`the path ${path} is not encoded as a URL is`)
  }
}

/** The body as JSON; YAML is taken where the media type says so (applied patches). `undefined`: none was sent. */
export async function readBody({request}: Exchange): Promise<unknown> {
  const bytes = await bytesOf(request)
  if (bytes.length === 0) return undefined
  const type = mediaType(request.headers['content-type'])
  if (type === PROTOBUF) return fromProtobuf(bytes)
  const text = bytes.toString()
  if (type !== '' && type !== '*/*' && !type.endsWith('json') && !type.endsWith('yaml'))
    throw unsupportedMediaType(['application/json', 'application/yaml'])
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!type.endsWith('yaml')) throw badRequest(`the request's body is no JSON: ${error instanceof Error ? error.message : error}`)
  }
  try {
    return parseYaml(text, KUBERNETES_YAML)
  } catch (error) {
    throw badRequest(`the request's body is no YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  }
}

/** By its events: an iterator costs as much as all the rest of reading a small body. */
const bytesOf = (request: Http2ServerRequest): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MOST_BODY_BYTES) chunks.push(chunk)
      else reject(new Refusal(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MOST_BODY_BYTES}`))
    })
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)))
    request.on('error', reject)
    // Cut off in the middle: its end does not come.
    request.on('close', () => reject(new Error('the request was cut off')))
  })

export const mediaType = (header: string | undefined): string => header?.split(';')[0]?.trim() ?? ''

export function answerText({response}: Exchange, code: number, text: string, contentType = 'application/json'): void {
  if (response.headersSent || response.writableEnded) return
  response.writeHead(code, {'content-type': contentType, 'cache-control': 'no-cache, private', 'content-length': Buffer.byteLength(text)})
  response.end(text)
}

export const answer = (exchange: Exchange, code: number, body: object, contentType?: string): void =>
  answerText(exchange, code, `${JSON.stringify(body)}\n`, contentType)

export function refuse(exchange: Exchange, refusal: Refusal): void {
  const {details} = refusal
  if (details?.retryAfterSeconds && !exchange.response.headersSent) exchange.response.setHeader('retry-after', details.retryAfterSeconds)
  answer(exchange, refusal.code, statusOf(refusal))
}

/** `Warning` headers as kubectl and other clients show them (RFC 7234, code 299). */
export function warn({response}: Exchange, warnings: readonly string[]): void {
  if (warnings.length === 0) return
  response.setHeader(
    'warning',
    warnings.map((text) => `299 - "${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[^\x20-\x7e]/g, '?')}"`),
  )
}
