import { afterEach, expect, it } from 'vitest'
import { relayTroubleOf } from '../../src/node/relay-trouble.ts'
import { RelayWorld } from './relay-world.ts'

let world: RelayWorld

afterEach(() => world.end())

it('S-14: who is not admitted is told to ask for it, and who comes to a full relay that it is full', async () => {
  world = new RelayWorld({ reservations: 1 })
  await world.start()
  await world.holder()
  const troubleOf = async (allowed: boolean) =>
    relayTroubleOf(
      await world.reserve(await world.client({ allowed })).catch((error: AggregateError) => causeOf(error))
    )
  expect(await troubleOf(false)).toContain('carries only for those whom its owner let in')
  expect(await troubleOf(true)).toContain('has no room')
})

/** What libp2p collects of the addresses that it could not listen on. */
function causeOf(error: unknown): unknown {
  return error instanceof AggregateError ? causeOf(error.errors[0]) : error
}
