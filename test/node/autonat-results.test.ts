import { autoNATv2 } from '@libp2p/autonat-v2'
import { expect, it } from 'vitest'
import { failedAddresses, forgetFailures } from '../../src/node/autonat-results.ts'

const A = '/ip4/46.0.0.2/tcp/4001'
const B = '/ip4/47.0.0.2/tcp/4001'

it('S1.35: the pinned AutoNAT client keeps its results where they are read', () => {
  const service = autoNATv2()({ logger: { forComponent: () => undefined } } as unknown as Parameters<
    ReturnType<typeof autoNATv2>
  >[0])
  expect(failedAddresses(service)).toEqual([])
  const { client } = service as { client: { dialResults: Map<string, { success: number; failure: number }> } }
  client.dialResults.set(A, { success: 0, failure: 1 })
  client.dialResults.set(B, { success: 1, failure: 1 })
  expect(failedAddresses(service)).toEqual([A])
  forgetFailures(service)
  expect([...client.dialResults.keys()]).toEqual([B])
})

it('another client is refused', () => {
  expect(() => failedAddresses({})).toThrow(TypeError)
  expect(() => failedAddresses({ client: { dialResults: {} } })).toThrow(TypeError)
})
