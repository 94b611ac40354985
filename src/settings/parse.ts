import type * as z from 'zod'
import { type NodeSettings, nodeSettingsSchema, PENDING_SETTINGS, type Settings, settingsSchema } from './schema.ts'

/** A value that the schema refuses. The message is one sentence with the path, the value and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** What is counted where a value is too small or too big. */
const UNITS: Record<string, string> = { string: ' characters', array: ' entries' }

/** Longest value shown in a sentence. */
const VALUE_MAX_CHARS = 60

/** Where a setting stands: one place for all of them, such as `channels.libp2p-mesh`, or a place for each. */
export type Places = string | ((key: string) => string)

/** `block` is the object that stands at `places`, or was put together from there; throws SettingsError. */
export function parseSettings(block: unknown, places: Places): Settings {
  return checkRules(parse(settingsSchema, block, places), places)
}

/** The same with the keys of the bare host. */
export function parseNodeSettings(block: unknown, places: Places): NodeSettings {
  return checkRules(parse(nodeSettingsSchema, block, places), places)
}

/** What the block asks for in vain, because its work comes in a later release: `key` or `key value`. `block` passed the checks above. */
export function pendingSettings(block: unknown): string[] {
  return Object.entries(PENDING_SETTINGS).flatMap(([key, asked]) => {
    const value = valueAt(block, [key])
    if (!asked(value)) return []
    return typeof value === 'string' || value === false ? [`${key} ${JSON.stringify(value)}`] : [key]
  })
}

function parse<T extends z.ZodType>(schema: T, block: unknown, places: Places): z.output<T> {
  const parsed = schema.safeParse(block ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const prefix = placeOf(places, issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0])
  if (issue === undefined) throw new SettingsError(`${prefix} is not understood.`)
  if (issue.code === 'unrecognized_keys') {
    throw new SettingsError(
      `${prefix} has no setting "${issue.keys.join('", "')}"; known are ${Object.keys(settingsSchema.shape).join(', ')}.`
    )
  }
  const path = [prefix, ...issue.path.map(String)].join('.')
  throw new SettingsError(`${path} is ${show(valueAt(block, issue.path))}: ${allowed(issue)}.`)
}

/** What would be right, in words. */
function allowed(issue: z.core.$ZodIssue): string {
  const unit = 'origin' in issue ? UNITS[issue.origin] : undefined
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}${unit ?? ''}`
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}${unit ?? ''}`
  if (issue.code === 'invalid_type' && issue.expected === 'int') return 'expected a whole number'
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`
  return issue.message.replace(/^Invalid (input|string): /, '')
}

function checkRules<T extends Settings>(settings: T, places: Places): T {
  if (settings.dmPolicy === 'open' && !settings.allowFrom.includes('*')) {
    throw new SettingsError(
      `${placeOf(places, 'dmPolicy')}.dmPolicy is "open": this lets everybody in, so it also needs "*" in ${placeOf(places, 'allowFrom')}.allowFrom.`
    )
  }
  if (settings.dmPolicy === 'open' && settings.enableCircuitRelayServer && settings.enableNATTraversal) {
    throw new SettingsError(
      `${placeOf(places, 'enableCircuitRelayServer')}.enableCircuitRelayServer is true while dmPolicy is "open": this instance would carry the traffic of anybody; set one of the two otherwise, or run libp2p-mesh relay --open on a machine for it.`
    )
  }
  if ((settings.inboundChannel === undefined) !== (settings.inboundTarget === undefined)) {
    const missing = settings.inboundChannel === undefined ? 'inboundChannel' : 'inboundTarget'
    throw new SettingsError(
      `${placeOf(places, missing)}.${missing} is not set: inboundChannel and inboundTarget belong together.`
    )
  }
  return settings
}

function placeOf(places: Places, key: PropertyKey = ''): string {
  return typeof places === 'string' ? places : places(String(key))
}

function valueAt(block: unknown, path: PropertyKey[]): unknown {
  let value: unknown = block
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  return value
}

function show(value: unknown): string {
  const text = value === undefined ? 'not set' : JSON.stringify(value)
  return text.length > VALUE_MAX_CHARS ? `${text.slice(0, VALUE_MAX_CHARS)}…` : text
}
