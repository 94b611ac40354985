import { ProtocolError } from '../protocol/errors.ts'
import { parseLabel } from '../protocol/label.ts'
import { type Check, SETTING_CHECKS } from './checks.ts'
import { PREDECESSOR_KEYS, RETIRED_SETTINGS } from './retired.ts'

/** Settings with the place where they stand, as sentences name it. */
export interface SettingsBlock {
  path: string
  settings: Record<string, unknown>
}

export interface RepairedSettings {
  settings: Record<string, unknown>
  /** One sentence for each thing that was moved or removed. */
  changes: string[]
}

/** Longest value shown in a sentence. */
const VALUE_MAX_CHARS = 60

/** A value that the host puts in when it reads its configuration: what it will be is not known here. */
const REFERENCE = /\$\{[A-Z_][A-Z0-9_]*\}/

/**
 * Lays the blocks where settings stood before under the block where they stand now: what is there already counts, then the first of the old
 * blocks. Settings keep their names and values; what cannot be kept is removed, and each removal says why and what to do instead. What the
 * block holds of its own is left as it is, but for the settings of the predecessors.
 */
export function repairSettings(block: SettingsBlock, olds: readonly SettingsBlock[]): RepairedSettings {
  const repair = new Repair(block)
  for (const old of olds) repair.takeOver(old)
  return repair.result()
}

class Repair {
  readonly #path: string
  readonly #settings = new Map<string, unknown>()
  readonly #moved = new Set<string>()
  readonly #changes: string[] = []
  readonly #targets: [path: string, value: unknown][] = []

  constructor({ path, settings }: SettingsBlock) {
    this.#path = path
    for (const [key, value] of Object.entries(settings)) {
      if (!PREDECESSOR_KEYS.includes(key)) this.#settings.set(key, value)
    }
    for (const key of PREDECESSOR_KEYS) {
      if (Object.hasOwn(settings, key)) this.#replace(`${path}.${key}`, key, settings[key])
    }
  }

  takeOver({ path, settings }: SettingsBlock): void {
    const keys: string[] = []
    for (const [key, value] of Object.entries(settings)) {
      const place = `${path}.${key}`
      if (PREDECESSOR_KEYS.includes(key)) this.#replace(place, key, value)
      else if (this.#keep(key, value, place)) keys.push(key)
    }
    if (keys.length > 0) this.#changes.push(`Moved ${keys.join(', ')} from ${path} to ${this.#path}.`)
  }

  result(): RepairedSettings {
    this.#showOnOneChannel()
    this.#admitNobodyByHalf()
    return { settings: Object.fromEntries(this.#settings), changes: this.#changes }
  }

  /** A setting of the predecessors. */
  #replace(place: string, key: string, value: unknown): void {
    if (key === 'inboundTargets') this.#targets.push([place, value])
    else if (key !== 'instanceName') this.#remove(place, value, RETIRED_SETTINGS.get(key) ?? '')
    else if (!isLabel(value)) {
      this.#remove(place, value, `no label; set ${this.#path}.name to letters and digits of one script, 32 at most.`)
    } else if (this.#keep('name', value, place)) this.#changes.push(`Moved ${place} to ${this.#path}.name.`)
  }

  /** Whether the value, or what is right of it, stands in the block now. */
  #keep(key: string, value: unknown, place: string): boolean {
    const check = SETTING_CHECKS.get(key)
    if (check === undefined) {
      this.#remove(place, value, 'there is no such setting.')
      return false
    }
    if (this.#settings.has(key)) {
      this.#remove(place, value, `${this.#path}.${key} is set and counts.`)
      return false
    }
    const right = 'entry' in check ? this.#rightEntries(value, check, place) : this.#right(value, check, place)
    if (right === undefined) return false
    this.#settings.set(key, right)
    this.#moved.add(key)
    return true
  }

  #right(value: unknown, check: Check, place: string): unknown {
    if (check.allows(value) || (typeof value === 'string' && REFERENCE.test(value))) return value
    this.#remove(place, value, `${check.expected}.`)
    return undefined
  }

  #rightEntries(value: unknown, { entry, max }: { entry: Check; max: number }, place: string): unknown[] | undefined {
    if (!Array.isArray(value)) {
      this.#remove(place, value, `expected a list; ${entry.expected.replace(/^expected/, 'each entry:')}.`)
      return undefined
    }
    const right = value.filter((item, index) => this.#right(item, entry, `${place}[${index}]`) !== undefined)
    if (right.length > max)
      this.#remove(place, right.slice(max), `expected ${max} entries at most, the first ones are kept.`)
    return right.length === 0 && value.length > 0 ? undefined : right.slice(0, max)
  }

  /** Messages are shown in one place, which has a channel and a target: the one that is set, else the first of the predecessor's list. */
  #showOnOneChannel(): void {
    const [channel, target] = ['inboundChannel', 'inboundTarget']
    if (this.#settings.has(channel) !== this.#settings.has(target)) {
      for (const key of [channel, target]) {
        if (this.#moved.has(key)) this.#undo(key, 'inboundChannel and inboundTarget belong together.')
      }
    }
    for (const [place, value] of this.#targets) {
      const list: unknown[] = Array.isArray(value) ? value : [value]
      if (list.length === 0) {
        this.#remove(
          place,
          value,
          'it switched messages off. Now a message of a peer that you have approved starts a turn of the agent, without tools; set dmPolicy to "disabled" to take none.'
        )
      }
      for (const [index, item] of list.entries()) this.#showOn(`${place}[${index}]`, item)
    }
  }

  #showOn(place: string, item: unknown): void {
    const { channel, target } = Object(item) as { channel?: unknown; target?: unknown }
    if (this.#settings.has('inboundChannel') || this.#settings.has('inboundTarget')) {
      this.#remove(place, item, `messages are shown in one place, ${this.#path}.inboundChannel and inboundTarget.`)
    } else if (isRight('inboundChannel', channel) && isRight('inboundTarget', target)) {
      this.#settings.set('inboundChannel', channel)
      this.#settings.set('inboundTarget', target)
      this.#changes.push(
        `Moved ${place} to ${this.#path}.inboundChannel and inboundTarget: ${show(channel)}, ${show(target)}.`
      )
    } else this.#remove(place, item, 'expected a channel and a target.')
  }

  /** Two settings must both say that everybody is let in. One alone that was moved is dropped: it never let anybody in. */
  #admitNobodyByHalf(): void {
    const allowFrom = this.#settings.get('allowFrom')
    const all = Array.isArray(allowFrom) && allowFrom.includes('*')
    const open = this.#settings.get('dmPolicy') === 'open'
    if (open && !all && this.#moved.has('dmPolicy')) this.#undo('dmPolicy', 'it also needs "*" in allowFrom.')
    if (all && !open && this.#moved.has('allowFrom')) {
      this.#settings.set(
        'allowFrom',
        allowFrom.filter(entry => entry !== '*')
      )
      this.#changes.push(`Removed "*" from ${this.#path}.allowFrom: it also needs dmPolicy "open".`)
    }
  }

  #undo(key: string, why: string): void {
    this.#remove(`${this.#path}.${key}`, this.#settings.get(key), why)
    this.#settings.delete(key)
  }

  #remove(place: string, value: unknown, why: string): void {
    this.#changes.push(`Removed ${place} ${show(value)}: ${why}`)
  }
}

function isRight(key: string, value: unknown): boolean {
  const check = SETTING_CHECKS.get(key)
  return check !== undefined && 'allows' in check && check.allows(value)
}

function isLabel(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    parseLabel(value)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > VALUE_MAX_CHARS ? `${text.slice(0, VALUE_MAX_CHARS)}…` : text
}
