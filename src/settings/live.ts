import type { Settings } from './schema.ts'

/** Settings that a running mesh takes over at once. A change of any other one restarts it: sockets, keys of the wire and ports hang on those. */
export const LIVE_SETTINGS = [
  'name',
  'dmPolicy',
  'allowFrom',
  'notifyOnly',
  'trustedTools',
  'onUnknown',
  'deliveryAckTimeoutMs',
  'inboundTarget'
] as const satisfies readonly (keyof Settings)[]

export type LiveSettings = Pick<Settings, (typeof LIVE_SETTINGS)[number]>

export function liveSettings({
  name,
  dmPolicy,
  allowFrom,
  notifyOnly,
  trustedTools,
  onUnknown,
  deliveryAckTimeoutMs,
  inboundTarget
}: LiveSettings): LiveSettings {
  return { name, dmPolicy, allowFrom, notifyOnly, trustedTools, onUnknown, deliveryAckTimeoutMs, inboundTarget }
}
