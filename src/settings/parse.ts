import type * as z from 'zod'
import { type NodeSettings, nodeSettingsSchema, PENDING_SETTINGS, type Settings, settingsSchema } from './schema.ts'

/** A value that the schema refuses. The message is one sentence with the path, the value and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/** Longest value shown in a sentence. */
const VALUE_MAX_CHARS = 60

/** `block` is the object under `prefix` (for example `channels.libp2p-mesh`); throws SettingsError. */
export function parseSettings(block: unknown, prefix: string): Settings {
  return checkRules(parse(settingsSchema, block, prefix), prefix)
}

/** The same with the keys of the bare host. */
export function parseNodeSettings(block: unknown, prefix: string): NodeSettings {
  return checkRules(parse(nodeSettingsSchema, block, prefix), prefix)
}

/** Keys of the block that ask for work which comes in a later release; `block` passed the checks above. */
export function pendingSettings(block: unknown): string[] {
  const asked = (key: string): boolean => {
    const value = valueAt(block, [key])
    return Array.isArray(value) ? value.length > 0 : Boolean(value)
  }
  const pending: string[] = PENDING_SETTINGS.filter(asked)
  return valueAt(block, ['discovery']) === 'dht' ? ['discovery "dht"', ...pending] : pending
}

function parse<T extends z.ZodType>(schema: T, block: unknown, prefix: string): z.output<T> {
  const parsed = schema.safeParse(block ?? {})
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue === undefined) throw new SettingsError(`${prefix} is not understood.`)
  if (issue.code === 'unrecognized_keys') {
    throw new SettingsError(
      `${prefix} has no setting "${issue.keys.join('", "')}"; known are ${Object.keys(settingsSchema.shape).join(', ')}.`
    )
  }
  const path = [prefix, ...issue.path.map(String)].join('.')
  throw new SettingsError(
    `${path} is ${show(valueAt(block, issue.path))}: ${issue.message.replace(/^Invalid (input|option|string): /, '')}.`
  )
}

function checkRules<T extends Settings>(settings: T, prefix: string): T {
  if (settings.dmPolicy === 'open' && !settings.allowFrom.includes('*')) {
    throw new SettingsError(
      `${prefix}.dmPolicy is "open": this lets everybody in, so it also needs "*" in ${prefix}.allowFrom.`
    )
  }
  if (settings.allowFrom.includes('*') && settings.dmPolicy !== 'open') {
    throw new SettingsError(
      `${prefix}.allowFrom has "*": this lets everybody in, so it also needs ${prefix}.dmPolicy "open".`
    )
  }
  if ((settings.inboundChannel === undefined) !== (settings.inboundTarget === undefined)) {
    const missing = settings.inboundChannel === undefined ? 'inboundChannel' : 'inboundTarget'
    throw new SettingsError(`${prefix}.${missing} is not set: inboundChannel and inboundTarget belong together.`)
  }
  return settings
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
