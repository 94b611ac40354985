import { ProtocolError, safe } from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import type { Log } from './ports.ts'

/** Longest error message in a log line. */
const MESSAGE_MAX_CHARS = 200

/** What a log line says about an error: its code where it has one, and its message made safe. */
export function failure(error: unknown): Record<string, unknown> {
  const message = safe(error instanceof Error ? error.message : String(error), MESSAGE_MAX_CHARS)
  return error instanceof MeshError || error instanceof ProtocolError
    ? { code: error.code, error: message }
    : { error: message }
}

/** Runs a callback whose caller must not see it throw; what it throws is logged. Undefined when it threw. */
export function guarded<T>(log: Log, what: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    log.error(`${what} failed.`, failure(error))
    return undefined
  }
}
