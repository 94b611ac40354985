import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import { envelopeOf, numberOf, RecordingHandler } from '../fakes/network-handler.ts'

export interface NetworkPair {
  one: Network
  other: Network
  /** Ends both and whatever lies between them. */
  close(): Promise<void>
}

const TOPIC = 'mesh'

/** Long enough for a handshake on a busy machine; each wait ends as soon as its condition holds. */
const eventually = { timeout: 10_000, interval: 10 }

/** What every Network keeps, real or fake. Both networks of a pair subscribe to the topic `mesh` and are not started yet. */
export function networkContract(name: string, create: () => Promise<NetworkPair>): void {
  describe(`Network contract: ${name}`, () => {
    let pair: NetworkPair
    let one: Network
    let other: Network
    let ours: RecordingHandler
    let theirs: RecordingHandler

    beforeEach(async () => {
      pair = await create()
      one = pair.one
      other = pair.other
      ours = new RecordingHandler()
      theirs = new RecordingHandler()
      await one.start(ours)
      await other.start(theirs)
    })

    afterEach(() => pair.close())

    const link = async (): Promise<void> => {
      await one.connect(other.peer, other.addresses())
      await vi.waitFor(() => expect(theirs.count('linkUp', one.peer)).toBeGreaterThan(0), eventually)
    }

    it('says addresses that name the peer', () => {
      expect(one.addresses().length).toBeGreaterThan(0)
      for (const address of one.addresses()) expect(address).toMatch(new RegExp(`/p2p/${one.peer}$`))
      expect(one.issues()).toEqual([])
      expect(one.connections()).toEqual([])
    })

    it('links both sides, once, each with the hello of the other, after connected', async () => {
      await link()
      await one.connect(other.peer, other.addresses())
      await one.connect(other.peer, [])
      for (const [handler, peer] of [
        [ours, other.peer],
        [theirs, one.peer]
      ] as const) {
        expect(handler.events).toEqual([
          { event: 'connected', peer },
          { event: 'linkUp', peer }
        ])
        expect(handler.hellos.get(peer)).toEqual(handler.hello(peer))
      }
      expect(one.connections()).toMatchObject([{ peer: other.peer, linked: true, path: 'lan' }])
      expect(other.connections()).toMatchObject([{ peer: one.peer, linked: true, path: 'lan' }])
    })

    it('carries envelopes and receipts both ways in order', async () => {
      await link()
      for (let number = 0; number < 100; number++) {
        expect(one.send(other.peer, { type: 'envelope', envelope: envelopeOf(number) })).toBe(true)
        expect(other.send(one.peer, { type: 'envelope', envelope: envelopeOf(number) })).toBe(true)
      }
      const receipt = {
        id: '0123456789abcdef0123456789abcdef',
        attempt: 1,
        hash: new Uint8Array(32).fill(7),
        outcome: 'received' as const,
        reason: 'none' as const
      }
      expect(other.send(one.peer, { type: 'receipts', receipts: [receipt] })).toBe(true)
      await vi.waitFor(() => expect(ours.receiptsSeen).toHaveLength(1), eventually)
      await vi.waitFor(() => expect(theirs.envelopes).toHaveLength(100), eventually)
      const numbers = [...Array(100).keys()]
      expect(ours.envelopes.map(numberOf)).toEqual(numbers)
      expect(theirs.envelopes.map(numberOf)).toEqual(numbers)
      expect(ours.receiptsSeen[0]).toMatchObject(receipt)
    })

    it('sends nothing where there is no link', () => {
      expect(one.send(other.peer, { type: 'envelope', envelope: envelopeOf(1) })).toBe(false)
    })

    it('refuses a frame when the buffer is full and says when there is room', async () => {
      await link()
      let accepted = 0
      while (one.send(other.peer, { type: 'envelope', envelope: envelopeOf(accepted, 32 * 1024) })) accepted++
      expect(accepted).toBeGreaterThan(16)
      expect(accepted).toBeLessThan(64)
      await vi.waitFor(() => expect(ours.count('drained', other.peer)).toBe(1), eventually)
      expect(one.send(other.peer, { type: 'envelope', envelope: envelopeOf(accepted, 32 * 1024) })).toBe(true)
      await vi.waitFor(() => expect(theirs.envelopes).toHaveLength(accepted + 1), eventually)
    })

    it('does not link with a peer that does not admit us, and links once it does', async () => {
      theirs.open = false
      await expect(one.connect(other.peer, other.addresses())).rejects.toMatchObject({
        code: 'refused_by_peer',
        details: { peer: other.peer, reason: 'not_admitted' }
      })
      expect(ours.refusals.get(other.peer)).toMatchObject({ admitted: false })
      expect(ours.count('linkUp') + theirs.count('linkUp')).toBe(0)
      expect(one.connections()).toMatchObject([{ peer: other.peer, linked: false }])
      expect(one.send(other.peer, { type: 'envelope', envelope: envelopeOf(1) })).toBe(false)
      theirs.admitted.add(one.peer)
      await link()
    })

    it('does not link with a peer that we do not admit, and lets it know', async () => {
      ours.open = false
      await expect(one.connect(other.peer, other.addresses())).rejects.toMatchObject({ code: 'not_trusted' })
      await vi.waitFor(() => expect(theirs.count('refused', one.peer)).toBe(1), eventually)
      expect(ours.count('linkUp') + theirs.count('linkUp')).toBe(0)
    })

    it('ends a connection on both sides, link first, and makes a new one', async () => {
      await link()
      await one.disconnect(other.peer)
      for (const [handler, peer] of [
        [ours, other.peer],
        [theirs, one.peer]
      ] as const) {
        await vi.waitFor(() => expect(handler.count('disconnected', peer)).toBe(1), eventually)
        expect(handler.events.map(entry => entry.event)).toEqual(['connected', 'linkUp', 'linkDown', 'disconnected'])
      }
      expect(one.connections()).toEqual([])
      await one.connect(other.peer, other.addresses())
      await vi.waitFor(() => expect(theirs.count('linkUp', one.peer)).toBe(2), eventually)
      expect(ours.count('linkUp', other.peer)).toBe(2)
    })

    it('fails a dial with a code, for itself, for nobody and when aborted', async () => {
      await expect(one.connect(one.peer, one.addresses())).rejects.toMatchObject({ code: 'self_target' })
      const addresses = other.addresses()
      await pair.other.stop()
      const refused = expect(one.connect(other.peer, addresses)).rejects
      await refused.toMatchObject({ code: 'dial_failed', retryable: true })
      const reason = new Error('changed my mind')
      const aborted = one.connect(other.peer, addresses, { signal: AbortSignal.abort(reason) })
      await expect(aborted).rejects.toBe(reason)
    })

    it('hands a broadcast to a linked peer, which judges it', async () => {
      await link()
      const data = new Uint8Array([1, 2, 3])
      await vi.waitFor(async () => expect(await one.publish(TOPIC, data)).toEqual({ recipients: 1 }), eventually)
      await vi.waitFor(() => expect(theirs.broadcasts.length).toBeGreaterThan(0), eventually)
      expect(theirs.broadcasts.at(-1)).toEqual({ carrier: one.peer, topic: TOPIC, data })
      expect(ours.broadcasts).toEqual([])
    })

    it('hands no broadcast to a stranger', async () => {
      theirs.open = false
      ours.open = false
      await expect(one.connect(other.peer, other.addresses())).rejects.toThrow()
      expect(await one.publish(TOPIC, new Uint8Array([1]))).toEqual({ recipients: 0 })
      expect(theirs.broadcasts).toEqual([])
    })

    it('ends its links when it stops', async () => {
      await link()
      await one.stop()
      await vi.waitFor(() => expect(theirs.count('disconnected', one.peer)).toBe(1), eventually)
      expect(ours.events.map(entry => entry.event)).toEqual(['connected', 'linkUp', 'linkDown', 'disconnected'])
      expect(theirs.count('linkDown', one.peer)).toBe(1)
    })
  })
}
