/** What does not work at present, as sentences for the owner; each kind once. */
export class Issues {
  readonly #sentences = new Map<string, string>()

  /** True when this is news. */
  report(kind: string, sentence: string): boolean {
    const news = this.#sentences.get(kind) !== sentence
    this.#sentences.set(kind, sentence)
    return news
  }

  /** True when it had been an issue. */
  clear(kind: string): boolean {
    return this.#sentences.delete(kind)
  }

  list(): string[] {
    return [...this.#sentences.values()]
  }
}
