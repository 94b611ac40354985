import type { Writable } from 'node:stream'

/** The process as the program sees it; tests give another one. */
export interface Terminal {
  stdout: Writable
  stderr(text: string): void
  input: AsyncIterable<Uint8Array | string>
  /** Ends the process at once. */
  exit(code: number): void
}

export function processTerminal(): Terminal {
  // Whoever reads our standard error may go without ending the mesh.
  process.stderr.on('error', () => undefined)
  return {
    stdout: process.stdout,
    stderr: text => void process.stderr.write(text),
    input: process.stdin,
    exit: code => process.exit(code)
  }
}
