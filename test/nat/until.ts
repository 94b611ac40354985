const LOOK_MS = 25

/** Looks again and again until `look` gives something; undefined when that did not come in time. */
export async function awaited<T>(limitMs: number, look: () => Promise<T | undefined> | T | undefined) {
  const endMs = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined || performance.now() > endMs) return found
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}

/** The same. @throws Error that names what did not come */
export async function until<T>(
  what: () => string,
  limitMs: number,
  look: () => Promise<T | undefined> | T | undefined
) {
  const found = await awaited(limitMs, look)
  if (found === undefined) throw new Error(`within ${limitMs} ms there was no ${what()}`)
  return found
}
