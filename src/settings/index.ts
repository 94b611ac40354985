export { LIVE_SETTINGS, type LiveSettings, liveSettings } from './live.ts'
export { parseNodeSettings, parseSettings, pendingSettings, SettingsError } from './parse.ts'
export type { NodeSettings, Settings } from './schema.ts'
