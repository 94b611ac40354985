import { performance } from 'node:perf_hooks'
import type { Connection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { withDeadline } from './deadline.ts'
import { PING_PROTOCOL } from './protocols.ts'

/** The ping protocol of libp2p sends back what it is sent, 32 bytes at a time. */
const PING_BYTES = 32

/** Milliseconds of one round trip over this very connection. @throws what libp2p threw, or the deadline's error */
export async function echo(
  connection: Connection,
  options: { timeoutMs: number; signal?: AbortSignal }
): Promise<number> {
  return await withDeadline(
    options.timeoutMs,
    async signal => {
      const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
      try {
        const bytes = byteStream(stream)
        const startedMs = performance.now()
        await bytes.write(crypto.getRandomValues(new Uint8Array(PING_BYTES)), { signal })
        await bytes.read({ bytes: PING_BYTES, signal })
        const rttMs = performance.now() - startedMs
        await stream.close({ signal })
        return rttMs
      } catch (error) {
        stream.abort(error instanceof Error ? error : new Error('the ping failed'))
        throw error
      }
    },
    options
  )
}
