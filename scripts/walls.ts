import type { Metafile } from 'esbuild'

interface Wall {
  /** A bundled entry. */
  entry: string
  /** Inputs that must not be reachable from it. */
  forbidden: RegExp[]
  why: string
}

const LIBP2P = /(?:^|\/)node_modules\/(?:libp2p|@libp2p|@chainsafe|@multiformats\/multiaddr)(?:\/|$)/
/** The errors of mesh/ are the words that engine and hosts share. */
const ENGINE_ROOMS = /^src\/(?:node|store|engine|standalone|mesh(?!\/errors\.ts$))\//

/** Whatever is installed, or of the host: the repair of old settings is our own few files. */
const ANY_PACKAGE = /(?:^|\/)node_modules\//

const WALLS: Wall[] = [
  {
    entry: 'src/index.ts',
    forbidden: [LIBP2P, ENGINE_ROOMS],
    why: 'the mesh runs in the engine thread: on the gateway thread it would block, and could end, the whole gateway'
  },
  {
    entry: 'src/setup-entry.ts',
    forbidden: [LIBP2P, ENGINE_ROOMS],
    why: 'setup must start at once: loading libp2p takes over a second'
  },
  {
    entry: 'src/openclaw/doctor.ts',
    forbidden: [ANY_PACKAGE, ENGINE_ROOMS],
    why: 'every command that meets an old configuration loads the repair'
  }
]

/** Throws when an entry reaches what it must not. The linter sees one import at a time; this sees where they lead. */
export function assertWalls(metafile: Metafile, walls: Wall[] = WALLS): void {
  for (const { entry, forbidden, why } of walls) {
    for (const [input, chain] of reachableInputs(metafile, entry)) {
      if (forbidden.some(pattern => pattern.test(input))) throw new Error(`${[...chain, input].join(' -> ')}: ${why}`)
    }
  }
}

/** Every bundled input that loading `entry` can lead to, with the chain of imports to it. Types are gone by now. */
function reachableInputs(metafile: Metafile, entry: string): Map<string, string[]> {
  if (metafile.inputs[entry] === undefined) throw new Error(`${entry} is not in the bundle`)
  const chains = new Map<string, string[]>([[entry, []]])
  for (const [input, chain] of chains) {
    for (const { path, external } of metafile.inputs[input]?.imports ?? []) {
      if (external !== true && !chains.has(path)) chains.set(path, [...chain, input])
    }
  }
  return chains
}
