import { networkInterfaces } from 'node:os'
import { order, RouterRefusal, readDescription } from '../../src/node/port-mapping-control.ts'
import { searchRouters } from '../../src/node/port-mapping-search.ts'
import { textOf } from '../../src/node/port-mapping-xml.ts'

/** Prints what the router of this network has open, an event per port, and `end`. */
const SEARCH_MS = 10_000

/** UPnP's number for an index behind the last entry. */
const NO_SUCH_ENTRY = 713

const say = (event: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

for await (const location of searchRouters({ interfaces: networkInterfaces, forMs: SEARCH_MS })) {
  const control = await readDescription(location)
  for (let index = 0; ; index++) {
    try {
      const xml = await order(control, 'GetGenericPortMappingEntry', { NewPortMappingIndex: index })
      const text = (name: string): string => textOf(xml, name) ?? ''
      say({
        event: 'entry',
        port: Number(text('NewExternalPort')),
        to: `${text('NewInternalClient')}:${text('NewInternalPort')}`,
        protocol: text('NewProtocol'),
        description: text('NewPortMappingDescription'),
        seconds: Number(text('NewLeaseDuration'))
      })
    } catch (error) {
      if (error instanceof RouterRefusal && error.code === NO_SUCH_ENTRY) break
      throw error
    }
  }
  break
}
say({ event: 'end' })
