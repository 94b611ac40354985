import type { Member } from './member.ts'
import { awaited } from './until.ts'

/** What is on its way when the last was sent: over a relay that comes back, the longest promise is 20 s to be there again. */
const SHOWN_MAX_MS = 40_000

/** Texts that one sends to the other, and what became of them. */
export class Traffic {
  readonly #from: Member
  readonly #to: Member
  readonly #word: string
  readonly #sent: string[] = []

  /** @param word what the texts begin with: those of two that go the same way must differ */
  constructor(from: Member, to: Member, word: string) {
    this.#from = from
    this.#to = to
    this.#word = word
  }

  get sent(): number {
    return this.#sent.length
  }

  /** How many the other side has shown, each counted once. */
  get delivered(): number {
    const shown = new Set(this.#to.texts())
    return this.#sent.filter(text => shown.has(text)).length
  }

  /** How many the other side has shown more than once. */
  get twice(): number {
    const shown = this.#to.texts()
    return this.#sent.filter(text => shown.indexOf(text) !== shown.lastIndexOf(text)).length
  }

  /** Hands over one more. The text; what becomes of it is seen at the other side. */
  async send(): Promise<string> {
    const text = `${this.#word} ${this.#sent.length + 1} of ${this.#from.name}`
    this.#sent.push(text)
    await this.#from.call('send', { target: this.#to.peerId, text, waitFor: 'received', timeoutMs: 0 })
    return text
  }

  /** Hands over one more, and waits until the other side has shown it; when that was, by `performance.now()`. */
  async exchange(): Promise<number> {
    return await this.#to.shown(await this.send())
  }

  /** Waits until the other side has shown all of them, or it is too late for that. */
  async settled(): Promise<void> {
    await awaited(SHOWN_MAX_MS, () => this.delivered === this.sent || undefined)
  }
}
