import { createLibp2p as create, type Libp2pOptions } from 'libp2p'
import { told } from './told.ts'

/** What `node/assemble.ts` imports in the place of libp2p where others must come to us by another way. */
export const createLibp2p = async (options: Libp2pOptions): ReturnType<typeof create> =>
  await create(
    told.announce === undefined ? options : { ...options, addresses: { ...options.addresses, announce: told.announce } }
  )
