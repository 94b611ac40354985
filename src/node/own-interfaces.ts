import { networkInterfaces } from 'node:os'

/**
 * The interfaces of this machine, as they last were where the system does not say: some keep them from ordinary users, and no dial, ticket or status may
 * fail for that. None where it has never said.
 */
export function ownInterfaces(read: typeof networkInterfaces = networkInterfaces): typeof networkInterfaces {
  let last: ReturnType<typeof networkInterfaces> = {}
  return () => {
    try {
      last = read()
    } catch {
      // As before.
    }
    return last
  }
}
