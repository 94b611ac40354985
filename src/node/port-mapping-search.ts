import { createSocket } from 'node:dgram'
import type { networkInterfaces } from 'node:os'
import { placeOf } from './reach.ts'
import { type Lan, lansOf } from './subnet.ts'

/** Where UPnP devices listen (UPnP Device Architecture 1.1). */
const GROUP = '239.255.255.250'
const PORT = 1900

/** What routers answer to. Of the second version they answer to the first too, or should. */
const WANTED = [1, 2].map(version => `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`)

/** The own network, and nothing behind a router. */
const HOPS = 2

/** Routers answer within this, s. A larger number spreads them over more time. */
const ANSWER_S = 1

/** Answers have some 300 bytes. */
const ANSWER_MAX_BYTES = 2_048

/** Answers that are looked at in one round: a home has one router, which answers twice. */
const ANSWERS_MAX = 8

export interface SearchInit {
  interfaces: typeof networkInterfaces
  /** How long answers are waited for, ms. */
  forMs: number
  /** Looks at one; it is left out where this rejects. Several are looked at at once, as one may take its time. @default takes all */
  accept?: (location: URL) => Promise<void>
  signal?: AbortSignal
}

/** Asks once in every private network of this machine who is its router; gives where the routers describe themselves. */
export function searchRouters({
  interfaces,
  forMs,
  signal,
  accept = async () => undefined
}: SearchInit): ReadableStream<URL> {
  const own = interfaces()
  const networks = lansOf(own, { loopback: false }).filter(isPrivateNetwork)
  const mine = new Set(Object.values(own).flatMap((infos = []) => infos.map(({ address }) => address)))
  const seen = new Set<string>()
  let end = (): void => undefined
  return new ReadableStream<URL>({
    start(controller) {
      const closes: (() => void)[] = []
      let open = true
      end = (): void => {
        open = false
        clearTimeout(timer)
        signal?.removeEventListener('abort', finish)
        for (const close of closes.splice(0)) close()
      }
      const finish = (): void => {
        end()
        controller.close()
      }
      const timer = setTimeout(finish, forMs)
      signal?.addEventListener('abort', finish, { once: true })
      for (const network of networks) {
        const heard = (data: Buffer, from: string): void => {
          const location = mine.has(from) ? undefined : locationIn(data, from, network)
          if (location === undefined || seen.size >= ANSWERS_MAX || seen.has(location.href)) return
          seen.add(location.href)
          accept(location).then(
            () => open && controller.enqueue(location),
            () => undefined
          )
        }
        closes.push(askIn(network, heard))
      }
      if (signal?.aborted === true) finish()
    },
    cancel: () => end()
  })
}

/**
 * Where the sender of this answer describes itself. Anybody in the network can answer anything, so an answer may only send us back to its sender, who
 * must be in that network.
 */
export function locationIn(data: Buffer, from: string, network: Pick<Lan, 'contains'>): URL | undefined {
  if (data.length > ANSWER_MAX_BYTES || !network.contains(from)) return undefined
  const [status = '', ...lines] = data.toString('latin1').split(/\r?\n/)
  const header = (name: string): string | undefined =>
    lines
      .find(line => line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
      ?.slice(name.length + 1)
      .trim()
  if (!status.startsWith('HTTP/1.1 200') || !WANTED.includes(header('st') ?? '')) return undefined
  const location = URL.parse(header('location') ?? '')
  if (location === null || location.protocol !== 'http:' || location.hostname !== from) return undefined
  return location.username === '' && location.password === '' ? location : undefined
}

/** Sends the questions from a socket of its own, at which only answers arrive. What cannot be sent is not answered; there is nothing else to do. */
function askIn({ address }: Lan, heard: (data: Buffer, from: string) => void): () => void {
  const socket = createSocket('udp4')
  let open = true
  const close = (): void => {
    if (open) socket.close()
    open = false
  }
  socket.on('error', close)
  socket.on('message', (data, from) => heard(data, from.address))
  socket.bind({ address, port: 0 }, () => {
    try {
      socket.setMulticastInterface(address)
      socket.setMulticastTTL(HOPS)
      for (const wanted of WANTED) socket.send(questionFor(wanted), PORT, GROUP, error => error && close())
    } catch {
      // The interface went away at this very moment.
      close()
    }
  })
  return close
}

function questionFor(wanted: string): string {
  const lines = [`HOST: ${GROUP}:${PORT}`, 'MAN: "ssdp:discover"', `MX: ${ANSWER_S}`, `ST: ${wanted}`]
  return ['M-SEARCH * HTTP/1.1', ...lines, '', ''].join('\r\n')
}

/** A home has private addresses behind its router; who else is in a public network is a stranger. */
function isPrivateNetwork({ address }: Lan): boolean {
  return placeOf(`/ip4/${address}/tcp/1`)?.reach === 'private'
}
