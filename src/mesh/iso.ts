/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function isoOf(wallMs: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: it writes a number down and reads no clock.
  return new Date(wallMs).toISOString()
}
