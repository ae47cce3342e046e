import {setTimeout as pause} from 'node:timers/promises'

const FIRST_BACKOFF_MS = 1_000
const BACKOFF_MS = 60_000

/** Names under `*.invalid` never resolve (RFC 2606): the way to see how a failed image pull looks on a node that pulls none. */
export const cannotBePulled = (image: string | undefined): image is string => image !== undefined && /\.invalid\//.test(image)

/** Tells what a kubelet tells of such an image, again and again until the signal. */
export async function failToPull(
  image: string,
  tell: (waiting: {readonly reason: string; readonly message: string}) => void,
  signal: AbortSignal,
): Promise<void> {
  const [host] = image.split('/')
  // A pause that the signal ends is followed by a look at the signal.
  while (!signal.aborted) {
    tell({reason: 'ErrImagePull', message: `failed to pull and unpack image "${image}": dial tcp: lookup ${host}: no such host`})
    await pause(FIRST_BACKOFF_MS, undefined, {signal}).catch(() => {})
    if (signal.aborted) return
    tell({reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"`})
    await pause(BACKOFF_MS, undefined, {signal}).catch(() => {})
  }
}
