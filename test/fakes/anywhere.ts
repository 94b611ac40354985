import type { Network } from '../../src/mesh/ports.ts'

/** A network that may dial every address; the real one may not (see the gate's tests). */
export const anywhere: Pick<Network, 'dialable'> = { dialable: addresses => addresses }
