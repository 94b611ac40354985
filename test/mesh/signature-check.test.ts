import { expect, it } from 'vitest'
import { rowOf } from '../../src/mesh/inbox-row.ts'
import { SignatureCheck, type Unverified } from '../../src/mesh/signature-check.ts'
import { hashOf } from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

/** More turns of the queue of microtasks than lie between the last look at what waits and the end of a run. */
const TURNS = 24

it('checks what comes at any moment, also as the check before it ends', { timeout: 60_000 }, async () => {
  const [self, peer, clock, store] = [
    new FakeInstance('self'),
    new FakeInstance('peer'),
    new FakeClock(),
    new FakeStore()
  ]
  const unverified = async (): Promise<Unverified> => {
    const content = peer.content(self.instance, 'hello', clock.wallMs())
    const [envelope] = await peer.seal([content])
    if (envelope === undefined) throw new Error('a message was not sealed')
    const row = rowOf({ peer: peer.peer, envelope, content, hash: hashOf(envelope.signed) }, 'message', 0)
    store.inbox.insert([row])
    return { row, envelope, key: content.key }
  }
  for (let turns = 0; turns <= TURNS; turns++) {
    const [first, second] = [await unverified(), await unverified()]
    const ready: string[] = []
    const check: SignatureCheck = new SignatureCheck({
      store,
      signer: self.signer,
      clock,
      log: new FakeLog(),
      ready: ({ id }) => {
        ready.push(id)
        if (id === first.row.id) void later(turns, () => check.add([second]))
      },
      strike: () => undefined,
      send: () => undefined
    })
    check.add([first])
    await check.idle()
    await new Promise(resolve => setImmediate(resolve))
    await check.idle()
    expect(ready, `after ${turns} turns`).toEqual([first.row.id, second.row.id])
  }
})

async function later(turns: number, work: () => void): Promise<void> {
  for (let i = 0; i < turns; i++) await undefined
  work()
}
