import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from 'dns-packet'
import type { AbortOptions, Netcheck } from '../mesh/ports.ts'
import { codeOf, MDNS_PORT, MulticastSocket, type Source } from './multicast.ts'
import { type Lan, lansOf } from './subnet.ts'

/** The question is asked again once, as any packet may get lost; answers come within half a second of the last. */
const AGAIN_MS = 400
const ANSWERS_MS = 700

/** Machines counted: more than this are many. */
const OTHERS_MAX = 256

export interface MulticastProbeInit {
  serviceTag: string
  /** Only this machine itself, for nodes that listen there alone. */
  loopback: boolean
  /** @default 5353 */
  port?: number
  interfaces?: typeof networkInterfaces
}

/** What became of the question on one network. */
interface Outcome {
  lan: Lan
  heard: boolean
  /** Why it could not be sent. */
  code: string | undefined
}

/**
 * Asks who is there, over a socket of its own beside that of mDNS, and looks whether the question itself comes back to this machine, as multicast does where
 * nothing stops it, and who answers. Takes a second.
 */
export async function probeMulticast(
  init: MulticastProbeInit,
  options: AbortOptions = {}
): Promise<Netcheck['multicast']> {
  const { serviceTag, loopback, port = MDNS_PORT, interfaces = networkInterfaces } = init
  options.signal?.throwIfAborted()
  const question = encode({
    type: 'query',
    // Tells our question from all others, like that of mDNS itself.
    id: 1 + Math.floor(Math.random() * 0xffff),
    questions: [{ name: serviceTag, type: 'PTR' }]
  })
  const mark = Buffer.from(serviceTag.split('.')[0] ?? '')
  const others = new Set<string>()
  let outcomes: Outcome[] = []
  const heard = (data: Buffer, from: Source): void => {
    const own = outcomes.find(({ lan }) => lan.address === from.address)
    if (own !== undefined && question.equals(data)) own.heard = true
    if (own !== undefined || others.size >= OTHERS_MAX || !data.includes(mark)) return
    if (outcomes.some(({ lan }) => lan.contains(from.address))) others.add(from.address)
  }
  let socket: MulticastSocket | undefined
  try {
    const lans = lansOf(interfaces(), { loopback })
    if (lans.length === 0)
      return { state: 'silent', detail: 'This machine has no address on a local network at present.' }
    outcomes = lans.map(lan => ({ lan, heard: false, code: undefined }))
    socket = await MulticastSocket.open({ heard, broken: () => undefined }, { lans, port, listens: true })
    for (const waitMs of [AGAIN_MS, ANSWERS_MS]) {
      for (const outcome of outcomes) outcome.code = await socket.multicast(question, outcome.lan)
      await sleep(waitMs, undefined, options)
    }
    return told(outcomes, others.size)
  } catch (error) {
    options.signal?.throwIfAborted()
    return { state: 'silent', detail: refusalOf(codeOf(error), port) }
  } finally {
    socket?.close()
  }
}

function told(outcomes: readonly Outcome[], others: number): Netcheck['multicast'] {
  const namesOf = (some: readonly Outcome[]): string =>
    some.map(({ lan, code }) => (code === undefined ? lan.name : `${lan.name} (${code})`)).join(', ')
  const [back, lost] = [outcomes.filter(({ heard }) => heard), outcomes.filter(({ heard }) => !heard)]
  if (back.length === 0) return { state: 'silent', detail: `A question of ours did not come back on ${namesOf(lost)}.` }
  const missing = lost.length === 0 ? '' : `, not on ${namesOf(lost)}`
  const answered =
    others === 0
      ? 'no other machine answered'
      : others === 1
        ? '1 other machine answered'
        : `${others} other machines answered`
  return { state: 'heard', detail: `A question of ours came back on ${namesOf(back)}${missing}; ${answered}.` }
}

function refusalOf(code: string, port: number): string {
  return code === 'EADDRINUSE'
    ? `Another program keeps UDP port ${port} to itself.`
    : `This machine does not let us into the group of mDNS (${code}).`
}
