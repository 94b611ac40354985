import { Writable } from 'node:stream'

/** Standard output with a reader that can be told to stall, to go on, and to go away. */
export class Pipe extends Writable {
  readonly lines: unknown[] = []
  text = ''
  #stalled: (() => void) | undefined
  #stall = false
  #gone = false

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const take = (): void => {
      this.text += chunk.toString()
      for (const line of chunk.toString().split('\n').filter(Boolean)) this.lines.push(JSON.parse(line))
      done()
    }
    if (this.#gone) done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    else if (this.#stall) this.#stalled = take
    else take()
  }

  stall(): void {
    this.#stall = true
  }

  goOn(): void {
    this.#stall = false
    this.#stalled?.()
  }

  hangUp(): void {
    this.#gone = true
  }
}
