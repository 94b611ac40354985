import { type Engine, startEngine as start } from '../../../src/engine/index.ts'
import type { Display } from '../../../src/mesh/ports.ts'
import { over } from './over.ts'
import { passing, told } from './told.ts'

export * from '../../../src/engine/index.ts'

/** Later than anybody waits for a display: the scenario sets a second. */
const LATE_MS = 1_500

/** What the bare host imports in the place of the engine: the same, with a display that can be watched and hindered. */
export async function startEngine(...[options, host, how]: Parameters<typeof start>): Promise<Engine> {
  const { display } = host
  return await start(options, display === undefined ? host : { ...host, display: watched(display) }, how)
}

function watched(display: Display): Display {
  if (told.crash === undefined && told.display === undefined) return display
  return over<Display>(display, {
    async show(inbound, options) {
      const trouble = told.display?.[inbound.conversation]
      if (trouble === 'hang') return await new Promise<never>(() => undefined)
      if (trouble === 'throw') throw new Error('as it was told')
      const outcome = await display.show(inbound, options)
      if (trouble === 'late') await new Promise(resolve => setTimeout(resolve, LATE_MS))
      passing('after-display')
      return outcome
    }
  })
}
