export { plugin as default } from './openclaw/plugin.ts'
