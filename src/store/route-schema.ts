import * as z from 'zod'
import type { RouteEntry } from '../mesh/ports.ts'
import { ADDRESS_MAX_CHARS } from '../protocol/address.ts'
import { isFingerprint } from '../protocol/fingerprint.ts'
import { LABEL_MAX_CHARS } from '../protocol/limits.ts'

/** Where a key was met plus what its route record names. */
export const FILE_ADDRESSES_MAX = 16

/** The last millisecond that a date can name. */
export const TIME_MAX_MS = 8_640_000_000_000_000

const instanceSchema = z.string().refine(isFingerprint)

const routeSchema = z.strictObject({
  peer: z.string().min(1).max(128),
  label: z.string().max(LABEL_MAX_CHARS * 2),
  addresses: z.array(z.string().max(ADDRESS_MAX_CHARS)).max(FILE_ADDRESSES_MAX),
  seq: z.int().nonnegative(),
  lastSeenMs: z.int().nonnegative().max(TIME_MAX_MS)
})

/** `instance-peer.json`, by instance. */
export const routeFileSchema = z.strictObject({
  version: z.literal(1),
  instances: z.record(instanceSchema, routeSchema)
})

/** Whether the file can hold this entry, and give it back. */
export function fits({ instance, ...route }: RouteEntry): boolean {
  return instanceSchema.safeParse(instance).success && routeSchema.safeParse(route).success
}
