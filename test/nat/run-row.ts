import type { Path } from '../../src/mesh/ports.ts'
import { Member } from './member.ts'
import type { Namespace } from './namespace.ts'
import { PathWatch } from './path-watch.ts'
import { Relay } from './relay.ts'
import type { Row } from './rows.ts'
import { Traffic } from './traffic.ts'
import { until } from './until.ts'

/** What is promised: from the moment at which both are up until the first message of each was shown by the other. */
const FIRST_MESSAGE_MAX_MS = 2_000

/** Each way, once they know that they can talk. */
const MESSAGES = 50

/** One each way, while the relay is away and until it is back. */
const PACE_MS = 100
const RELAY_AWAY_MS = 2_000
const RELAY_BACK_MS = 5_000

/** For each of the steps that come before: nothing is measured there. */
const PAIRING_MAX_MS = 30_000

/** UPnP takes six seconds to open a port, and the news of it has to reach the other side. */
const STRAIGHT_MAX_MS = 30_000

/** What `npm run test:nat -- --json` prints about one row. */
export interface RowLine {
  row: string
  a: string
  b: string
  connected: boolean
  /** In the end. */
  path: Path | null
  /** From both being up to the slower one of the first messages each way. */
  firstMessageMs: number
  /** From both being up to a connection without the relay, where it began with the relay. */
  upgradeMs: number | null
  sent: number
  delivered: number
  /** Shown more than once. */
  twice: number
}

/** What a row promised and did not keep. */
export function faults(row: Row, line: RowLine): string[] {
  const { connected, path, firstMessageMs, sent, delivered, twice } = line
  return [
    ...(connected ? [] : ['they are not connected in the end']),
    ...(path !== null && !row.paths.includes(path)
      ? [`the path is ${path}, and should be ${row.paths.join(' or ')}`]
      : []),
    ...(firstMessageMs > FIRST_MESSAGE_MAX_MS ? [`the first message took more than ${FIRST_MESSAGE_MAX_MS} ms`] : []),
    ...(delivered < sent ? [`${sent - delivered} messages did not come`] : []),
    ...(twice > 0 ? [`${twice} messages came more than once`] : [])
  ]
}

/** Two nodes in two places, paired before, come up at once and talk. @throws Error where they do not get as far as that */
export async function runRow(row: Row): Promise<RowLine> {
  await using place = await row.build()
  const relay = place.relay && (await Relay.create(place.sandbox, place.relay))
  const settings = relay === undefined ? {} : { relayList: [await relay.start()] }
  const member = (name: string, machine: Namespace): Promise<Member> =>
    Member.create(place.sandbox, { name, machine, settings })
  const [a, b] = await Promise.all([member('ana', place.a), member('bo', place.b)])
  try {
    await pair(a, b, { relayed: place.relay !== undefined })
    await Promise.all([a.stop(), b.stop()])
    return await talk(row, a, b, relay)
  } catch (error) {
    throw new Error(`row ${row.name}: ${String(error)}\n-- ana\n${a.log()}\n-- bo\n${b.log()}`, { cause: error })
  }
}

/** Starts both and lets one join with the ticket of the other, until each has said where it is and has shown a message of the other. */
export async function pair(a: Member, b: Member, { relayed }: { relayed: boolean }): Promise<void> {
  const both = [a, b]
  await Promise.all(both.map(member => member.start()))
  if (relayed) await Promise.all(both.map(reserved))
  const { ticket } = await a.call('invite', { ttlMs: PAIRING_MAX_MS, uses: 1 })
  await b.call('join', { ticket })
  await until(
    () => 'link between them',
    PAIRING_MAX_MS,
    async () => (await Promise.all([pathTo(a, b), pathTo(b, a)])).every(path => path !== null) || undefined
  )
  await Promise.all([new Traffic(a, b, 'hello'), new Traffic(b, a, 'hello')].map(way => way.exchange()))
}

async function reserved(member: Member): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    const { addresses } = await member.call('status', {})
    return addresses.some(address => address.includes('/p2p-circuit/')) || undefined
  }
  await until(() => `slot at the relay for ${member.name}`, PAIRING_MAX_MS, look)
}

async function talk(row: Row, a: Member, b: Member, relay: Relay | undefined): Promise<RowLine> {
  const readyMs = Math.max(...(await Promise.all([a.start(), b.start()])))
  await using watched = new PathWatch(() => pathTo(a, b))
  const ways = [new Traffic(a, b, 'message'), new Traffic(b, a, 'message')]
  const first = await Promise.all(ways.map(way => way.exchange()))
  for (const way of ways) for (let count = 0; count < MESSAGES; count++) await way.send()
  if (row.restartsRelay && relay !== undefined) await restart(relay, ways)
  for (const way of ways) await way.settled()
  if (!row.paths.includes('relayed')) await watched.straight(STRAIGHT_MAX_MS)
  const path = await pathTo(a, b)
  const upgradedMs = watched.upgradedMs
  return {
    row: row.name,
    a: row.a,
    b: row.b,
    connected: path !== null,
    path,
    firstMessageMs: Math.round(Math.max(...first) - readyMs),
    upgradeMs: upgradedMs === undefined ? null : Math.round(upgradedMs - readyMs),
    sent: ways.reduce((sum, { sent }) => sum + sent, 0),
    delivered: ways.reduce((sum, { delivered }) => sum + delivered, 0),
    twice: ways.reduce((sum, { twice }) => sum + twice, 0)
  }
}

/** Both go on talking while the relay is away, and after it came back. */
async function restart(relay: Relay, ways: Traffic[]): Promise<void> {
  const talkFor = async (durationMs: number): Promise<void> => {
    const endMs = performance.now() + durationMs
    while (performance.now() < endMs) {
      for (const way of ways) await way.send()
      await new Promise(resolve => setTimeout(resolve, PACE_MS))
    }
  }
  await Promise.all([relay.stop(), talkFor(RELAY_AWAY_MS)])
  await Promise.all([relay.start(), talkFor(RELAY_BACK_MS)])
}

export async function pathTo(from: Member, to: Member): Promise<Path | null> {
  const peers = await from.call('peers', {})
  return peers.find(({ peerId }) => peerId === to.peerId)?.path ?? null
}
