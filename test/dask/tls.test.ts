import {once} from 'node:events'
import {createServer, type Server} from 'node:net'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {directDial} from '../../src/dask/dial.ts'
import {type RetirementOutcome, runRetirement} from '../../src/dask/retirement.ts'
import {connectScheduler, type Scheduler} from '../../src/dask/scheduler.ts'
import {openTaskFeed} from '../../src/dask/task-feed.ts'
import {tlsDial} from '../../src/dask/tls.ts'
import {NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type RealDask, startDask, starts, until} from './real-dask.ts'
import {makeTls, type TlsFiles} from './tls-ground.ts'

const LOAD = `
import os, sys, time
from distributed import Client
address, directory = sys.argv[1:3]
def task(i):
    fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    time.sleep(2 if i < 3 else 0.1)
    return i
with Client(address) as client:
    assert client.gather([client.submit(task, i, pure=False) for i in range(60)]) == list(range(60))
print("right")
`

/** A client with another cluster's certificate, and one that speaks in the clear. */
const STRANGERS = `
import sys
from distributed import Client
for address in [sys.argv[1], sys.argv[1].replace("tls:", "tcp:")]:
    try:
        Client(address, timeout=2)
        print("taken in")
    except OSError:
        print("refused")
`

/** What Python demands of a chain from 3.13 on. */
const STRICT = `
import os, ssl, sys
variable = "DASK_DISTRIBUTED__COMM__TLS__"
context = ssl.create_default_context(cafile=os.environ[variable + "CA_FILE"])
context.check_hostname = False
context.verify_flags |= ssl.VERIFY_X509_STRICT
context.load_cert_chain(os.environ[variable + "CLIENT__CERT"], os.environ[variable + "CLIENT__KEY"])
import socket
host, port = sys.argv[1].removeprefix("tls://").split(":")
with context.wrap_socket(socket.create_connection((host, int(port)))) as stream:
    print(stream.version())
`

describe.each([NEWEST_DASK, OLDEST_DASK])('with Dask %s over TLS', (version) => {
  let tls: TlsFiles
  let dask: RealDask
  beforeAll(async () => {
    tls = await makeTls()
    dask = await startDask(version, {}, tls)
    await Promise.all(['a', 'b', 'c'].map((name) => dask.addWorker(name)))
  })
  afterAll(async () => {
    await dask.stop()
    await tls.remove()
  })

  const connectBy = (dial: RealDask['dial']): Promise<Scheduler> => connectScheduler(dial, {port: dask.port, timeoutMs: 5_000})

  it('nobody is taken in without the certificate of its own authority', async () => {
    await expect(connectBy(directDial('127.0.0.1'))).rejects.toThrow()
    const others = await makeTls()
    await expect(connectBy(tlsDial(directDial('127.0.0.1'), async () => others.identity))).rejects.toThrow('no TLS connection')
    // It trusts this cluster, but shows the certificate of another one.
    const stranger = {...others.identity, ca: tls.identity.ca}
    await expect(connectBy(tlsDial(directDial('127.0.0.1'), async () => stranger))).rejects.toThrow(/alert unknown ca/i)
    const {DASK_DISTRIBUTED__COMM__TLS__CA_FILE: ca = ''} = tls.env
    const strange = {...others.env, DASK_DISTRIBUTED__COMM__TLS__CA_FILE: ca, DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION: 'False'}
    expect(await dask.python(STRANGERS, strange).output).toBe('refused\nrefused\n')
    await others.remove()
  })

  it('what the newest Python demands of a certificate is there', async () => {
    expect(await dask.python(STRICT).output).toMatch(/^TLSv1\.[23]\n$/)
  })

  it('the scheduler tells the numbers of its tasks', async () => {
    const feed = await openTaskFeed(dask.dial, {port: dask.port, timeoutMs: 5_000, everyMs: 60_000})
    expect(await feed.next()).toMatchObject({processing: 0})
    feed.close()
  })

  it('a worker that is busy for too long is let back in, another leaves under load, and no task starts twice', async () => {
    const load = dask.python(LOAD)
    await until(async () => (await starts(dask.directory)).size >= 3, 'tasks run')
    const scheduler = await dask.connect()
    const [late = '', leaver = ''] = (await scheduler.identity()).workers.map(({address}) => address)
    scheduler.close()
    expect(late).toMatch(/^tls:/)
    const retire = async (address: string, timeoutMs: number): Promise<RetirementOutcome['is'] | undefined> => {
      const outcomes: RetirementOutcome[] = []
      await runRetirement([address], {
        ...{alone: (choose) => choose(), connect: dask.connect, scheduler: {dial: dask.dial, port: dask.port}, zero: false},
        policy: {timeoutMs, afterTimeout: 'keep', afterRefusal: 'keep'},
        dialWorker: () => dask.dial,
        leaving: new Set(),
        immovable: new Map(),
        signal: new AbortController().signal,
        maySend: () => true,
        report: (outcome) => outcomes.push(outcome),
      })
      return outcomes[0]?.is
    }
    expect(await retire(late, 0)).toBe('timed-out')
    expect(await retire(leaver, 60_000)).toBe('retired')
    expect(await load.output).toContain('right')
    expect([...(await starts(dask.directory)).values()]).toEqual(Array(60).fill(1))
  })
})

describe('a TLS connection', () => {
  let silent: Server
  beforeAll(async () => {
    silent = createServer((socket) => socket.resume().on('error', () => undefined)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
  })
  afterAll(() => void silent.close())

  it('to what does not speak TLS fails in time, and leaves nothing open', async () => {
    const {identity, remove} = await makeTls()
    const address = silent.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const accepted = once(silent, 'connection')
    await expect(tlsDial(directDial('127.0.0.1'), async () => identity)(port)).rejects.toThrow('it does not answer in TLS')
    const [socket] = await accepted
    await until(() => socket.destroyed, 'its end is seen')
    await remove()
  })
})
