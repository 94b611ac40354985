/** What `npm run demo -- --json` ends with. */
export interface DemoSummary {
  ok: boolean
  messages: DemoMessage[]
  broadcast: { seen: number }
  /** Admitted peers that the first instance is connected to. */
  peers: number
  /** Until both instances were ready, ms. */
  startMs: number
}

export interface DemoMessage {
  from: string
  to: string
  level: string
  path: string | null
  ms: number
}

export interface DemoInit {
  print(line: string): void
}

/** `12:03:04.5  text`, counted from the start of the demo. */
export function stopwatch(print: (line: string) => void): (text: string) => void {
  const startedAt = performance.now()
  return text => print(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`)
}
