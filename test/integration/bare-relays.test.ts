import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import { connectControl } from '../../src/control/socket.ts'
import { type Carry, type RelayInit, relayOfLibp2p } from '../fixtures/relay-of-libp2p.ts'
import type { BareNode } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

/** A relay is away at most this long for whoever holds a slot there. */
const GAP_MAX_MS = 20_000
const RESTARTS = 20

/** Longer than a link that says nothing is taken for alive, twice, and the way to the other relay. */
const DELIVERED = { timeout: 120_000, interval: 200 }

/**
 * A node asks a relay that is away ever less often, every 12 s in the end, so most gaps are that long on any machine. All of them may be as long as is promised; before them
 * both nodes get their slots, after them everything arrives.
 */
const RESTARTS_MS = RESTARTS * GAP_MAX_MS + 2 * DELIVERED.timeout

/** Texts that go through each relay that cannot be trusted. */
const TEXTS = 40

let stage: Stage
const relays = new Set<Libp2p>()
const clients: ControlClient[] = []

beforeAll(async () => {
  stage = await createStage()
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  for (const relay of relays) await relay.stop()
  relays.clear()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

async function relayAt(init: RelayInit = {}): Promise<{ relay: Libp2p; address: string; port: number }> {
  const made = await relayOfLibp2p(init)
  relays.add(made.relay)
  return made
}

async function clientOf(node: BareNode): Promise<ControlClient> {
  const client = await connectControl(node.stateDir)
  clients.push(client)
  return client
}

/** Two nodes that listen nowhere and are paired: relays are their only way to each other. */
async function paired(name: string, relayList: string[]): Promise<{ one: BareNode; other: BareNode }> {
  const settings = { listenAddrs: [], relayList }
  const [one, other] = await Promise.all([stage.start(`${name}-one`, settings), stage.start(`${name}-other`, settings)])
  for (const node of [one, other]) {
    const client = await clientOf(node)
    await expect
      .poll(async () => (await client.call('status', {})).relays.map(({ state }) => state), DELIVERED)
      .toEqual(relayList.map(() => 'reserved'))
  }
  const { ticket } = await other.ask<{ ticket: string }>(['invite'])
  await one.ask(['join', ticket])
  return { one, other }
}

function textsAt(node: BareNode): unknown[] {
  return node.events.all.filter(({ event }) => event === 'message').map(({ text }) => text)
}

describe('bare nodes that meet at a relay', () => {
  it(`R-15: the relay restarts ${RESTARTS} times under traffic: each gap is short, and nothing is lost, doubled or out of order`, {
    timeout: RESTARTS_MS
  }, async () => {
    const privateKey: PrivateKey = await generateKeyPair('Ed25519')
    let { relay, address, port } = await relayAt({ privateKey })
    const { one, other } = await paired('restart', [address])
    const client = await clientOf(one)
    const sent: string[] = []
    let going = true
    const traffic = (async () => {
      for (let number = 1; going; number++) {
        const text = `text ${number}`
        await client.call('send', { target: other.peerId, text, timeoutMs: 0 })
        sent.push(text)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    })()
    const gaps: number[] = []
    for (let restart = 0; restart < RESTARTS; restart++) {
      await relay.stop()
      relays.delete(relay)
      const fromMs = performance.now()
      ;({ relay } = await relayAt({ privateKey, port }))
      const text = `after restart ${restart + 1}`
      sent.push(text)
      const result = await client.call('send', { target: other.peerId, text, waitFor: 'received', timeoutMs: 60_000 })
      expect(result.level).not.toBe('pending')
      gaps.push(Math.round(performance.now() - fromMs))
    }
    going = false
    await traffic
    const most = Math.max(...gaps)
    console.log(
      `relay restarted ${RESTARTS} times: gap ${gaps.toSorted((a, b) => a - b)[RESTARTS / 2]} ms (median), ${most} ms at most`
    )
    expect(most).toBeLessThanOrEqual(GAP_MAX_MS)
    await expect.poll(() => textsAt(other).length, DELIVERED).toBe(sent.length)
    expect(new Set(textsAt(other))).toEqual(new Set(sent))
    const numbered = textsAt(other).filter(text => String(text).startsWith('text'))
    expect(numbered).toEqual(sent.filter(text => text.startsWith('text')))
  })

  describe('one of two relays is evil', () => {
    let touched = 0
    let shown: PromiseWithResolvers<void>

    /** Carries nothing before the evil one has shown what it is: however slow the machine, the first link is made over that one. */
    const second = (): Carry => (piece, on) => void shown.promise.then(() => on(piece))

    /** Lets the handshakes through, so that a link is made over it, and then shows what it is. */
    const late = (carry: Carry): (() => Carry) => {
      return () => {
        let bytes = 0
        return (piece, on) => {
          bytes += piece.byteLength
          if (bytes < 6_000) {
            on(piece)
            return
          }
          touched++
          shown.resolve()
          carry(piece, on)
        }
      }
    }

    it.each<[string, () => Carry]>([
      ['drops', late(() => undefined)],
      ['delays', late((piece, on) => setTimeout(() => on(piece), 1_000))],
      [
        'doubles',
        late((piece, on) => {
          on(piece)
          on(piece)
        })
      ],
      [
        'reorders',
        () => {
          const held: Parameters<Carry>[0][] = []
          return late((piece, on) => {
            held.push(piece)
            if (held.length < 2) return
            for (const each of held.splice(0).reverse()) on(each)
          })()
        }
      ]
    ])(
      'S-15: it %s what it carries: nothing is forged, lost or doubled, and every receipt is the truth',
      async (does, carry) => {
        touched = 0
        shown = Promise.withResolvers()
        const evil = await relayAt({ carry })
        const good = await relayAt({ carry: second })
        const { one, other } = await paired(does, [evil.address, good.address])
        const client = await clientOf(one)
        const texts = Array.from({ length: TEXTS }, (_, number) => `${does} ${number} ${'x'.repeat(500)}`)
        const results = []
        for (const text of texts)
          results.push(client.call('send', { target: other.peerId, text, waitFor: 'received', timeoutMs: 110_000 }))
        const levels = (await Promise.all(results)).map(({ level }) => level)
        expect(levels).not.toContain('pending')
        await expect.poll(() => textsAt(other).length, DELIVERED).toBe(TEXTS)
        expect(textsAt(other)).toEqual(texts)
        expect(touched).toBeGreaterThan(0)
      },
      240_000
    )
  })
})
