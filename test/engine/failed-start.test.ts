import { expect, it, vi } from 'vitest'
import { startEngine } from '../../src/engine/index.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Network } from '../../src/mesh/ports.ts'
import { acquireLock } from '../../src/store/index.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { optionsFor, stateDirectory, testHost } from './options.ts'

const refusal = new MeshError('internal', { detail: 'no network at all' })

vi.mock('../../src/node/index.ts', () => ({
  createNode: async (): Promise<Partial<Network>> => ({
    peer: new FakeInstance('self').peer,
    start: () => Promise.reject(refusal),
    stop: async () => undefined,
    issues: () => []
  })
}))

it('a mesh that cannot start fails the start with its own error, and everything is given back', async () => {
  const dir = stateDirectory()
  await expect(startEngine(optionsFor(dir), testHost().host, { signal: new AbortController().signal })).rejects.toBe(
    refusal
  )
  acquireLock(dir, { program: 'the next' }).release()
})
