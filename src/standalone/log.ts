import type { Log } from '../mesh/ports.ts'
import { safe } from '../protocol/index.ts'

/** Longest value of a field; a sentence of a cause still fits. */
const VALUE_MAX_CHARS = 300

export interface LogInit {
  /** Steps too, not only finished things. */
  verbose?: boolean
}

/** Log lines for people, one per event, on standard error: standard output belongs to the events. */
export function createLog({ write }: { write(line: string): void }, { verbose = false }: LogInit = {}): Log {
  const line =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      write(`[libp2p-mesh] ${level}${safe(message, VALUE_MAX_CHARS)}${format(fields)}\n`)
  return {
    debug: verbose ? line('debug: ') : () => undefined,
    info: line(''),
    warn: line('warning: '),
    error: line('error: ')
  }
}

function format(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${show(value)}`)
    .join('')
}

function show(value: unknown): string {
  if (value instanceof Error) return safe(value.message, VALUE_MAX_CHARS)
  return safe(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)), VALUE_MAX_CHARS)
}
