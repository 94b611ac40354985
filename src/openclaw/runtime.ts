import type { HostApi, HostRuntime } from './host-types.ts'

/** The runtime of the newest full registration, shared by the copies of this module in one process; a hot update puts its own in. */
const RUNTIME = Symbol.for('libp2p-mesh/runtime/1')

/** Only a full registration brings a runtime that works outside the host's own calls. */
export function keepRuntime(api: HostApi): void {
  if (api.registrationMode === 'full') (globalThis as { [RUNTIME]?: HostRuntime })[RUNTIME] = api.runtime
}

/** Undefined in a process in which nothing was registered in full, such as one of the command line. */
export function findHostRuntime(): HostRuntime | undefined {
  return (globalThis as { [RUNTIME]?: HostRuntime })[RUNTIME]
}

export function hostRuntime(): HostRuntime {
  const runtime = findHostRuntime()
  if (runtime === undefined) throw new Error('libp2p-mesh was not registered in full.')
  return runtime
}
