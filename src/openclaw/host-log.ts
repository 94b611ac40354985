import type { Log } from '../mesh/ports.ts'

/** What the host gives a channel to log with. */
export interface HostLogSink {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
  debug?(message: string): void
}

/** One line per event: `[libp2p-mesh] message key=value`. Values are ids, numbers and codes; peer strings came through safe(). */
export function hostLog(sink: HostLogSink): Log {
  const line = (message: string, fields: Record<string, unknown> = {}): string =>
    [
      `[libp2p-mesh] ${message}`,
      ...Object.entries(fields).map(
        ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`
      )
    ].join(' ')
  return {
    debug: (message, fields) => sink.debug?.(line(message, fields)),
    info: (message, fields) => sink.info(line(message, fields)),
    warn: (message, fields) => sink.warn(line(message, fields)),
    error: (message, fields) => sink.error(line(message, fields))
  }
}
