import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ChaosProxy, OPEN } from './proxy.ts'

/** Long enough that what goes through has gone through. */
const WHILE_MS = 200

let server: Server
let proxy: ChaosProxy
let inner: Socket
let outer: Socket
let heard: string

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await ChaosProxy.open({ target: (server.address() as { port: number }).port, random: () => 0.5 })
  ;[inner, outer] = await connection()
  heard = ''
  inner.setEncoding('utf8').on('data', (part: string) => {
    heard += part
  })
})

afterEach(() => {
  proxy[Symbol.dispose]()
  server.close()
  outer.destroy()
})

async function connection(): Promise<[Socket, Socket]> {
  const accepted = once(server, 'connection')
  const socket = connect({ port: proxy.port, host: '127.0.0.1' })
  // How it ends is what some cases are about.
  socket.on('error', () => undefined)
  const [other] = (await accepted) as [Socket]
  other.on('error', () => undefined)
  return [other, socket]
}

const aWhile = (): Promise<void> => new Promise(resolve => setTimeout(resolve, WHILE_MS))

it('hands on both ways, in order', async () => {
  for (const word of ['one ', 'two ', 'three']) outer.write(word)
  await expect.poll(() => heard).toBe('one two three')
  inner.write('answer')
  const [answer] = await once(outer, 'data')
  expect(String(answer)).toBe('answer')
})

it('holds one way up and loses nothing of it', async () => {
  proxy.set({ in: { ...OPEN, held: true }, out: OPEN })
  outer.write('late')
  inner.write('at once')
  const [answer] = await once(outer, 'data')
  expect(String(answer)).toBe('at once')
  await aWhile()
  expect(heard).toBe('')
  proxy.set({ in: OPEN, out: OPEN })
  await expect.poll(() => heard).toBe('late')
})

it('takes its time', async () => {
  proxy.set({ in: { ...OPEN, delayMs: WHILE_MS }, out: OPEN })
  const startMs = performance.now()
  outer.write('slow')
  await expect.poll(() => heard).toBe('slow')
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(WHILE_MS - 1)
})

it('forgets a connection without telling anybody, and takes new ones', async () => {
  proxy.forget()
  outer.write('to nobody')
  await aWhile()
  expect({ heard, closed: [outer.closed, inner.closed] }).toEqual({ heard: '', closed: [false, false] })
  const [, fresh] = await connection()
  fresh.destroy()
})

it.each(['close', 'reset'] as const)('ends connections by a %s', async how => {
  const closed = [outer, inner].map(socket => new Promise(resolve => socket.once('close', resolve)))
  proxy.cut(how)
  await Promise.all(closed)
})
