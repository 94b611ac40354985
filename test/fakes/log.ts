import type { Log } from '../../src/mesh/ports.ts'

export interface Line {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  fields?: Record<string, unknown> | undefined
}

/** Keeps what was logged. */
export class FakeLog implements Log {
  readonly lines: Line[] = []

  debug(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'debug', message, fields })
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'info', message, fields })
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'warn', message, fields })
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: 'error', message, fields })
  }

  /** The messages of one level. */
  at(level: Line['level']): string[] {
    return this.lines.filter(line => line.level === level).map(line => line.message)
  }
}
