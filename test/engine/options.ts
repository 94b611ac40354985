import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { HostPorts } from '../../src/control/bridge.ts'
import type { EngineOptions } from '../../src/engine/index.ts'
import type { MeshEvent } from '../../src/mesh/events.ts'
import { parseSettings } from '../../src/settings/index.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeNotices } from '../fakes/notices.ts'

/** A state directory for one test. */
export function stateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mesh-engine-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** An engine on loopback that looks for nobody. */
export function optionsFor(stateDir: string): EngineOptions {
  return {
    stateDir,
    settings: parseSettings({ name: 'tester', discovery: 'bootstrap', listenAddrs: ['/ip4/127.0.0.1/tcp/0'] }, 'test'),
    pendingSettings: ['relayList'],
    version: '1.2.3',
    program: 'the test'
  }
}

export function testHost(): { host: HostPorts; log: FakeLog; events: MeshEvent[] } {
  const log = new FakeLog()
  const events: MeshEvent[] = []
  return { host: { notices: new FakeNotices(), log, event: event => events.push(event) }, log, events }
}
