import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { HomeRouter } from '../../src/node/port-mapping-router.ts'
import { locationIn } from '../../src/node/port-mapping-search.ts'
import { FakeRouter, HOST, interfacesAt } from './home-router.ts'
import { type LogLine, logInto } from './test-node.ts'

const PORT = 4_001

let fake: FakeRouter
let changes: number
let lines: LogLine[]
/** The address of this machine. */
let host: string
let router: HomeRouter

const create = (init: { ttlMs?: number } = {}): HomeRouter =>
  new HomeRouter(
    {
      log: logInto(lines),
      interfaces: () => interfacesAt(host),
      answered: () => undefined,
      changed: () => void changes++
    },
    init
  )

beforeEach(async () => {
  fake = await FakeRouter.create()
  changes = 0
  lines = []
  host = HOST
  router = create()
})

afterEach(async () => {
  await router.stop()
  await fake[Symbol.asyncDispose]()
})

describe('S1.36: the home router', () => {
  it('opens a port under a constant description (S-29) and closes it at stop', async () => {
    await router.meet(fake.location)
    expect(router.external).toBe('46.0.0.10')
    expect(await router.map(PORT, HOST)).toMatchObject({ externalHost: '46.0.0.10', externalPort: PORT })
    expect(fake.opened).toEqual([{ port: PORT, to: `${HOST}:${PORT}`, description: 'libp2p-mesh' }])
    expect(router.open()).toEqual([{ host: HOST, port: PORT, externalPort: PORT }])
    await router.stop()
    expect(fake.closed).toEqual([PORT])
    expect(router.open()).toEqual([])
  })

  it('opens another port where a device has the first one', async () => {
    await router.meet(fake.location)
    fake.reply = (_, text) => (text('NewExternalPort') === String(PORT) ? 718 : undefined)
    const { externalPort } = await router.map(PORT, HOST)
    expect(externalPort).not.toBe(PORT)
    expect(fake.opened).toMatchObject([{ port: externalPort, to: `${HOST}:${PORT}` }])
    fake.reply = () => undefined
    await router.stop()
    expect(fake.closed).toEqual([externalPort])
  })

  it('keeps a port for ever where the router knows no other way, and still closes it at stop', async () => {
    await router.meet(fake.location)
    fake.reply = (action, text) => (action === 'AddPortMapping' && text('NewLeaseDuration') !== '0' ? 725 : undefined)
    await router.map(PORT, HOST)
    await router.stop()
    expect(fake.closed).toEqual([PORT])
  })

  it.each([
    [606, 'did not open port 4001: it does not allow it.'],
    [718, 'did not open port 4001: another device has it.'],
    [501, 'did not open port 4001: error 501.']
  ])('says in a sentence why it opened none: %i', async (code, words) => {
    await router.meet(fake.location)
    fake.reply = action => (action === 'AddPortMapping' ? code : undefined)
    await expect(router.map(PORT, HOST)).rejects.toThrow()
    expect(router.trouble).toBe(`The router at 127.0.0.1 ${words}`)
    expect(router.open()).toEqual([])
  })

  it.each(['100.64.3.2', '192.168.100.2', '10.0.0.1', '203.0.113.9', '0.0.0.0'])(
    'whose own address is %s is behind another NAT: it opens nothing, and that is said',
    async external => {
      fake.external = external
      await router.meet(fake.location)
      await expect(router.map(PORT, HOST)).rejects.toThrow('no public address')
      expect(router.trouble).toContain(`${external}, which is not public: there is another NAT behind it.`)
      expect(fake.opened).toEqual([])
    }
  )

  it.each(['', 'example.com', '46.0.0.10/x', '2a00::1', '46.0.0.1\r\nx'])(
    'is not believed where it says %j',
    async external => {
      fake.external = external
      await router.meet(fake.location)
      expect(router.external).toBeUndefined()
      expect(router.trouble).toBe(
        'The router at 127.0.0.1 does not say its address on the internet: it has none, or only one behind another NAT.'
      )
    }
  )

  it('that does not answer holds up a stop for two seconds at most', async () => {
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    fake.reply = () => 'silence'
    const startedMs = performance.now()
    await router.stop()
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(fake.actions.at(-1)).toBe('DeletePortMapping')
  })

  it('is asked again before the lease ends; a port that it no longer gives is no address any more', async () => {
    router = create({ ttlMs: 300 })
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    await vi.waitFor(() => expect(fake.opened.length).toBeGreaterThan(4), { timeout: 10_000 })
    expect(router.open()).toHaveLength(1)
    changes = 0
    fake.reply = () => 501
    await vi.waitFor(() => expect(router.open()).toEqual([]), { timeout: 10_000 })
    expect(changes).toBe(1)
    fake.reply = () => undefined
    await vi.waitFor(() => expect(router.open()).toHaveLength(1), { timeout: 10_000 })
  })

  it('that gets another address is known by the new one', async () => {
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    changes = 0
    fake.external = '47.0.0.10'
    expect(await router.externalIp()).toBe('47.0.0.10')
    expect(router.external).toBe('47.0.0.10')
    expect(changes).toBe(1)
  })

  it('stays the same when another one answers, and gives way when it has no public address', async () => {
    fake.external = '10.1.1.1'
    await router.meet(fake.location)
    const other = await FakeRouter.create()
    other.page = answer => answer.writeHead(404).end()
    // Both are on one address here, so it is the same router at another place.
    await expect(router.meet(other.location)).rejects.toThrow('no description')
    other.page = undefined
    await router.meet(other.location)
    expect(router.external).toBe('46.0.0.10')
    await other[Symbol.asyncDispose]()
  })

  it('is asked for nothing any more for an address that this machine no longer has', async () => {
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    host = '127.0.0.3'
    expect(router.open()).toEqual([])
    const next = await FakeRouter.create()
    await router.meet(next.location)
    await router.map(PORT, host)
    expect(next.opened).toMatchObject([{ port: PORT, to: `${host}:${PORT}` }])
    expect(router.open()).toEqual([{ host, port: PORT, externalPort: PORT }])
    await router.stop()
    expect(next.closed).toEqual([PORT])
    await next[Symbol.asyncDispose]()
  })

  it('R-14: that does not answer after a move is out of use until it is met again, and then opens the ports again', async () => {
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    fake.reply = () => 401
    await router.moved()
    expect(router.external).toBeUndefined()
    fake.reply = () => undefined
    fake.opened.length = 0
    await router.meet(fake.location)
    await expect.poll(() => fake.opened).toMatchObject([{ port: PORT, to: `${HOST}:${PORT}` }])
    expect(router.external).toBe('46.0.0.10')
  })

  it('R-14: that answers after a move is asked for every port anew: it may be another one at the same place', async () => {
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    fake.external = '47.0.0.10'
    await router.moved()
    expect(router.external).toBe('47.0.0.10')
    await expect.poll(() => fake.opened).toHaveLength(2)
  })

  it('is not asked again for a port that was given up, also where two others were met while one was asked', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    const others = [await FakeRouter.create(), await FakeRouter.create()]
    for (const other of others) {
      other.reply = action => (action === 'AddPortMapping' ? 'silence' : undefined)
      await router.meet(other.location)
    }
    for (const other of others) await other[Symbol.asyncDispose]()
    while (lines.filter(({ message }) => message === 'no port opened').length < 2)
      await new Promise(resolve => setImmediate(resolve))
    await router.unmap(PORT)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('opens a port for each address that this machine has in its network, by cable and by radio', async () => {
    const cable = '127.0.0.3'
    router = new HomeRouter({
      log: logInto(lines),
      interfaces: () => ({ ...interfacesAt(HOST), v1: interfacesAt(cable)['v0'] }),
      answered: () => undefined,
      changed: () => undefined
    })
    await router.meet(fake.location)
    await router.map(PORT, HOST)
    await router.map(PORT + 1, cable)
    expect(fake.opened).toMatchObject([{ to: `${HOST}:${PORT}` }, { to: `${cable}:${PORT + 1}` }])
  })

  it('opens nothing for an address of another network', async () => {
    await router.meet(fake.location)
    await expect(router.map(PORT, '172.17.0.1')).rejects.toThrow('another network')
    expect(fake.opened).toEqual([])
  })
})

describe('S-16: a device that pretends to be the router', () => {
  it.each([
    'http://169.254.169.254/control',
    'http://localhost/control',
    'https://127.0.0.1/control',
    'file:///etc/passwd'
  ])('has nobody else called: %s', async controlUrl => {
    fake.controlUrl = controlUrl
    await expect(router.meet(fake.location)).rejects.toThrow('no service')
    expect(fake.actions).toEqual([])
  })

  it('sends nobody elsewhere by a redirect', async () => {
    let hits = 0
    const decoy = createServer((_, answer) => {
      hits++
      answer.end()
    })
    await new Promise<void>(resolve => decoy.listen(0, '127.0.0.1', resolve))
    const { port } = decoy.address() as AddressInfo
    fake.page = answer => answer.writeHead(302, { Location: `http://127.0.0.1:${port}/` }).end()
    await expect(router.meet(fake.location)).rejects.toThrow('no description')
    expect(hits).toBe(0)
    await new Promise(resolve => decoy.close(resolve))
  })

  it('that talks without end is not listened to', async () => {
    fake.page = answer => {
      const more = (): void => {
        if (!answer.destroyed) answer.write('x'.repeat(50_000), more)
      }
      more()
    }
    await expect(router.meet(fake.location)).rejects.toThrow('too long')
  })

  it('that never says anything takes three seconds at most', async () => {
    fake.page = () => undefined
    await expect(router.meet(fake.location)).rejects.toThrow('within 3000 ms')
  })

  it('costs no time with a description that is hard to read', async () => {
    fake.page = answer => answer.end('<service>'.repeat(7_000) + '<serviceType>'.repeat(10))
    const startedMs = performance.now()
    await expect(router.meet(fake.location)).rejects.toThrow('no service')
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })
})

describe('S-16: an answer to the search', () => {
  const network = { contains: (host: string) => host.startsWith('192.168.1.') }
  const answerWith = (
    location: string,
    st = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
    status = 'HTTP/1.1 200 OK'
  ) => Buffer.from(`${status}\r\nCACHE-CONTROL: max-age=120\r\nST: ${st}\r\nLocation: ${location}\r\n\r\n`)

  it('leads to the router that sent it', () => {
    const location = locationIn(answerWith('http://192.168.1.1:5000/root.xml'), '192.168.1.1', network)
    expect(location?.href).toBe('http://192.168.1.1:5000/root.xml')
  })

  it.each([
    'http://192.168.1.2:5000/root.xml',
    'http://127.0.0.1/root.xml',
    'http://169.254.169.254/latest/meta-data',
    'http://router.local/root.xml',
    'https://192.168.1.1/root.xml',
    'http://user:secret@192.168.1.1/root.xml',
    'http://[::ffff:192.168.1.1]/root.xml',
    'file:///etc/passwd',
    '192.168.1.1',
    ''
  ])('leads nowhere with %j', location => {
    expect(locationIn(answerWith(location), '192.168.1.1', network)).toBeUndefined()
  })

  it('from another network, from another kind of device, or of another shape is none', () => {
    const good = 'http://192.168.2.1/root.xml'
    expect(locationIn(answerWith(good), '192.168.2.1', network)).toBeUndefined()
    const here = 'http://192.168.1.1/root.xml'
    for (const bad of [
      answerWith(here, 'urn:schemas-upnp-org:device:MediaServer:1'),
      answerWith(here, undefined, 'NOTIFY * HTTP/1.1'),
      answerWith(here, undefined, 'HTTP/1.1 404 Not Found'),
      answerWith(`${here}?${'x'.repeat(3_000)}`),
      Buffer.alloc(0),
      Buffer.from('\r\n\r\n'),
      Buffer.from('HTTP/1.1 200 OK'),
      Buffer.alloc(2_000, 0xff)
    ])
      expect(locationIn(bad, '192.168.1.1', network)).toBeUndefined()
    expect(locationIn(answerWith(here), '192.168.1.1', network)).toBeDefined()
  })
})
