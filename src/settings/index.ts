export { parseNodeSettings, parseSettings, pendingSettings, SettingsError } from './parse.ts'
export { type NodeSettings, nodeSettingsSchema, PENDING_SETTINGS, type Settings, settingsSchema } from './schema.ts'
