import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/store/index.ts'
import { storeContract } from '../contract/store.ts'
import { FakeStore } from '../fakes/store.ts'
import { clock, recordingLog } from './temporary.ts'

storeContract('fake', () => ({ store: new FakeStore(), dispose: () => {} }))

storeContract('real', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mesh-store-'))
  const store = openStore({ dir, log: recordingLog(), clock })
  return { store, dispose: () => rmSync(dir, { recursive: true, force: true }) }
})
