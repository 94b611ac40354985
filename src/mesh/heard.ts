import type { Store } from './ports.ts'

/** Seqs of one author, epoch and topic that were heard: the highest, and which of those just below it. */
interface Window {
  epoch: string
  top: number
  /** Bit i: `top - i` was heard. */
  mask: number
}

/** Seqs below the highest that may still come late. Anything older counts as heard: gossip is late by seconds, not by thirty texts. */
const WINDOW_SEQS = 31
const WINDOW_MASK = 0x7fffffff

/** Epochs remembered per author and topic, newest first: an author has one, a few more if it was restored from copies. */
const EPOCHS_MAX = 4

const WINDOW = /^([0-9a-f]{16}):([0-9]{1,16}):([0-9]{1,10})$/

/**
 * Which broadcasts were shown, so that none is shown twice, also after a restart. One small value per admitted author and topic, so it grows
 * with what the owner admits only.
 */
export class Heard {
  readonly #store: Pick<Store, 'value' | 'setValue'>

  constructor(components: { store: Pick<Store, 'value' | 'setValue'> }) {
    this.#store = components.store
  }

  /** True the first time; it is written down before it is told. */
  first(instance: string, conversation: string, { epoch, seq }: { epoch: string; seq: number }): boolean {
    const key = `heard ${instance} ${conversation}`
    const windows = parsed(this.#store.value(key) ?? '')
    const known = windows.find(window => window.epoch === epoch)
    const moved = known === undefined ? { epoch, top: seq, mask: 1 } : after(known, seq)
    if (moved === undefined) return false
    const others = windows.filter(window => window.epoch !== epoch)
    this.#store.setValue(key, [moved, ...others].slice(0, EPOCHS_MAX).map(written).join(','))
    return true
  }
}

/** The window once `seq` was heard; undefined when it had been already. */
function after({ epoch, top, mask }: Window, seq: number): Window | undefined {
  const behind = top - seq
  if (behind >= WINDOW_SEQS) return undefined
  if (behind >= 0) return (mask & (1 << behind)) === 0 ? { epoch, top, mask: mask | (1 << behind) } : undefined
  const shifted = -behind >= WINDOW_SEQS ? 0 : (mask << -behind) & WINDOW_MASK
  return { epoch, top: seq, mask: shifted | 1 }
}

function written({ epoch, top, mask }: Window): string {
  return `${epoch}:${top}:${mask}`
}

/** A value that is not ours to read counts as nothing heard. */
function parsed(text: string): Window[] {
  return text.split(',').flatMap(part => {
    const [, epoch, top, mask] = WINDOW.exec(part) ?? []
    return epoch === undefined ? [] : [{ epoch, top: Number(top), mask: Number(mask) }]
  })
}
