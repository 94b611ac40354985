import { createLibp2p as create } from 'libp2p'
import { seen } from '../../node/seen-libp2p.ts'

/** What `node/assemble.ts` imports in the place of libp2p where an endurance test looks inside. */
export const createLibp2p = seen(create)
