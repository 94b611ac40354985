export { type Engine, type EngineOptions, startEngine } from './engine.ts'
export { type EngineWorkerData, serveWorker } from './worker.ts'
