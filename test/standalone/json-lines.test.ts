import { describe, expect, it } from 'vitest'
import { JsonLines, type NodeEvent } from '../../src/standalone/json-lines.ts'
import { Pipe } from './pipe.ts'

const ready: NodeEvent = { event: 'ready', peerId: 'p', instanceId: 'i', addresses: [] }
const broadcast = (text: string): NodeEvent => ({
  event: 'broadcast',
  id: '1',
  topic: 't',
  fromPeerId: 'p',
  fromInstanceId: 'i',
  text
})

/** Whether a promise is settled once everything that was due has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  await new Promise(resolve => setImmediate(resolve))
  return settled
}

describe('JSON lines', () => {
  it('begin with ready, whatever came first, and keep their order', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    const first = lines.write(broadcast('a'))
    const second = lines.write(broadcast('b'))
    expect(await isSettled(first)).toBe(false)
    expect(await lines.write(ready)).toBe(true)
    expect(await Promise.all([first, second])).toEqual([true, true])
    expect(stream.lines).toEqual([ready, broadcast('a'), broadcast('b')])
  })

  it('count as written only when the reader has taken them', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    await lines.write(ready)
    stream.stall()
    const written = lines.write(broadcast('a'))
    expect(await isSettled(written)).toBe(false)
    stream.goOn()
    expect(await written).toBe(true)
  })

  it('give up at the signal, before ready and behind a reader that stalls', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    const early = new AbortController()
    const before = lines.write(broadcast('never'), { signal: early.signal })
    early.abort()
    expect(await before).toBe(false)
    await lines.write(ready)
    stream.stall()
    const late = new AbortController()
    const behind = lines.write(broadcast('a'), { signal: late.signal })
    late.abort()
    expect(await behind).toBe(false)
    expect(await lines.write(broadcast('b'), { signal: late.signal })).toBe(false)
    stream.goOn()
    expect(stream.lines).not.toContainEqual(broadcast('never'))
  })

  it('say that a reader has gone, and take nothing more', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    await lines.write(ready)
    stream.hangUp()
    expect(await lines.write(broadcast('a'))).toBe(false)
    await lines.closed
    expect(await lines.write(broadcast('b'))).toBe(false)
    expect(await lines.drained()).toBe(true)
  })

  it('drain when all is taken, and not behind a reader that stalls', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    await lines.write(ready)
    stream.stall()
    const last = lines.write(broadcast('last'))
    expect(await lines.drained(10)).toBe(false)
    stream.goOn()
    expect(await lines.drained()).toBe(true)
    expect(await last).toBe(true)
  })

  it('are not taken any more once the stream is closed', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    await lines.write(ready)
    stream.stall()
    const last = lines.write(broadcast('last'))
    stream.destroy()
    expect(await last).toBe(false)
  })

  it('wait for a slow reader up to a bound', async () => {
    const stream = new Pipe()
    const lines = new JsonLines({ stream })
    await lines.write(ready)
    stream.stall()
    const all = Array.from({ length: 1001 }, () => lines.write(broadcast('a')))
    expect(await all.at(-1)).toBe(false)
    expect(await isSettled(all[0] ?? expect.fail())).toBe(false)
  })
})
