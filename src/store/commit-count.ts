import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { PRIVATE_MODE } from './private-file.ts'

/** One write within a sector replaces the text as a whole. */
const TEXT_BYTES = 64

const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants

/**
 * A file beside the database that says how many commits it had in which epoch. SQLite passes over a damaged or vanished log in silence, and is then an
 * older state of itself, in which accepted messages are missing and shut out peers are let in again; the count gives that away.
 *
 * It is written after each commit and never waited for: after a power loss it may be behind, which is in order. Where it is ahead, the database lost
 * commits. What it says of another epoch counts for nothing: the database was replaced since, and power was lost before this file could follow.
 */
export class CommitCount {
  readonly #file: number
  #epoch: string | undefined

  /** @throws the error of the failed call of node:fs */
  constructor(path: string) {
    this.#file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, PRIVATE_MODE)
  }

  /** Undefined where nothing was written yet, or something else. */
  read(): { count: number; epoch: string } | undefined {
    const bytes = new Uint8Array(TEXT_BYTES)
    const length = readSync(this.#file, bytes, 0, TEXT_BYTES, 0)
    const found = new TextDecoder().decode(bytes)
    const [count = '', epoch = ''] = found.split(' ')
    const whole = length === TEXT_BYTES && textOf(Number(count), epoch) === found
    return whole ? { count: Number(count), epoch } : undefined
  }

  /** From here on commits are noted, as those of this epoch. */
  begin(epoch: string): void {
    this.#epoch = epoch
  }

  write(count: number): void {
    if (this.#epoch === undefined) return
    try {
      writeSync(this.#file, textOf(count, this.#epoch), 0)
    } catch {
      // The commit stands. A count that is behind notices less, and is right again with the next one.
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

function textOf(count: number, epoch: string): string {
  const text = `${count} ${epoch}`
  return `${text} ${crc32(text)}\n`.padEnd(TEXT_BYTES)
}
