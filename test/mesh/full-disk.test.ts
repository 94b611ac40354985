import { expect, it } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { Outbox } from '../../src/mesh/outbox.ts'
import { hashOf, newId, type Receipt } from '../../src/protocol/index.ts'
import { openStore } from '../../src/store/index.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { roomyInbox } from '../fakes/roomy-inbox.ts'
import { canMount, smallDisk } from '../store/small-disk.ts'

/** The matrix asks for 50, which take minutes: `MESH_FULL_DISK_ROUNDS=50`. */
const ROUNDS = Number(process.env['MESH_FULL_DISK_ROUNDS'] ?? 8)
/** The log alone takes four of them. */
const DISK_BYTES = 32 * 1024 * 1024
const TEXT = 'x'.repeat(1_000)

/** More than the disk holds. */
const TRIES_MAX = 2_000

/** Receipts of a full disk must let a sender come back this soon, ms. */
const RECOVERY_MAX_MS = 5_000

it.skipIf(!canMount)(
  `R-09: a disk that fills and is freed ${ROUNDS} times loses nothing accepted, refuses and defers while it is full, and needs no restart`,
  { timeout: 600_000 },
  async () => {
    const disk = smallDisk(DISK_BYTES)
    const self = new FakeInstance('self')
    const peer = new FakeInstance('peer')
    const clock = systemClock()
    const store = openStore({ dir: disk.dir, log: new FakeLog(), clock })
    const outbox = new Outbox(
      { store, signer: self.signer, clock },
      { self: self.instance, committed: () => undefined }
    )
    const receipts = new Map<string, Receipt>()
    let arrived = Promise.withResolvers<void>()
    const inbox = roomyInbox({
      store,
      signer: self.signer,
      clock,
      send: (_, all) => {
        for (const receipt of all) receipts.set(receipt.id, receipt)
        arrived.resolve()
      }
    })
    const send = async (): Promise<string> => {
      const { instance } = peer
      const id = newId()
      const trace = { root: id, depth: 0, hops: [] }
      const draft = { id, instance, peer: peer.peer, kind: 'message' as const, conversation: 'c0'.repeat(16), trace }
      return (await outbox.enqueue({ ...draft, text: TEXT })).id
    }
    /** What the peer says next; it says it again until it is taken. */
    const hear = async (again?: { id: string; take: () => Promise<Receipt | undefined> }) => {
      if (again !== undefined) return { ...again, receipt: await again.take() }
      const content = peer.content(self.instance, TEXT, clock.wallMs())
      const [envelope] = await peer.seal([content])
      if (envelope === undefined) throw new Error('a message was not sealed')
      const take = async (): Promise<Receipt | undefined> => {
        arrived = Promise.withResolvers<void>()
        inbox.accept(peer.peer, envelope, content, hashOf(envelope.signed))
        // Its receipt, and no more: where the row took the last room, the check of its signature waits until there is some.
        await arrived.promise
        return receipts.get(content.id)
      }
      return { id: content.id, take, receipt: await take() }
    }

    for (let round = 0; round < ROUNDS; round++) {
      const sent = [await send()]
      const heard = [(await hear()).id]
      disk.fill()
      let refusal: unknown
      for (let tries = 0; refusal === undefined && tries < TRIES_MAX; tries++)
        await send().then(
          id => sent.push(id),
          error => {
            refusal = error
          }
        )
      expect(refusal, `round ${round}`).toBeInstanceOf(MeshError)
      expect(refusal).toMatchObject({ code: 'store_failed', retryable: true })
      expect(String(refusal)).toContain('the disk of the state directory is full')
      let deferred = await hear()
      for (let tries = 0; deferred.receipt?.outcome === 'received' && tries < TRIES_MAX; tries++) {
        heard.push(deferred.id)
        deferred = await hear()
      }
      expect(deferred.receipt, `round ${round}`).toMatchObject({ outcome: 'deferred', reason: 'overloaded' })
      expect((deferred.receipt?.untilMs ?? Number.POSITIVE_INFINITY) - clock.wallMs()).toBeLessThan(RECOVERY_MAX_MS)
      expect(store.issues()).toEqual([expect.stringContaining('the disk of the state directory is full')])

      disk.free()
      sent.push(await send())
      expect((await hear(deferred)).receipt?.outcome).toBe('received')
      heard.push(deferred.id)
      await inbox.idle()
      expect(store.issues()).toEqual([])
      expect(
        sent.filter(id => store.outbox.get(id)?.state !== 'queued'),
        `round ${round}`
      ).toEqual([])
      expect(
        heard.filter(id => store.inbox.get(peer.instance, id)?.verified !== true),
        `round ${round}`
      ).toEqual([])

      // Nothing waits in the next round; the rows stay, so that the file has no pages to spare.
      store.transaction(() => {
        for (const id of sent) store.outbox.advance(id, 'cancelled')
        for (const id of heard) store.inbox.update(peer.instance, id, { state: 'done' })
      })
    }
    await inbox.stop()
    const last = await send()
    await store.close()
    const again = openStore({ dir: disk.dir, log: new FakeLog(), clock })
    expect(again.outbox.get(last)?.state).toBe('queued')
    expect(again.issues()).toEqual([])
    await again.close()
  }
)
