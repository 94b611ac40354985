export { setupPlugin as default } from './openclaw/setup-plugin.ts'
