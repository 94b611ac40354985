import { createRequire } from 'node:module'

/** The release of this package. It names itself by name, so sources and bundle find the same file. */
export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('libp2p-mesh/package.json') as { version: string }
  return version
}
