export { type Engine, type EngineOptions, startEngine } from './engine.ts'
export { type Relay, type RelayEvent, type RelayOptions, relayAnnounce, startRelay } from './relay.ts'
export { type EngineWorkerData, serveWorker } from './worker.ts'
