import { sentence } from '../commands/index.ts'
import { MeshError } from '../control/errors.ts'
import { findLiveAccount } from './slot.ts'

/** How a person at this host calls our commands, for next steps in sentences. */
export const PROGRAM = 'openclaw p2p'

/** The sentence for a person or a model. `target` is what they named; our own instance id is added where the peer's owner needs it. */
export async function sentenceFor(error: unknown, target?: string): Promise<string> {
  return sentence(error, { program: PROGRAM, target, self: await selfFor(error) })
}

async function selfFor(error: unknown): Promise<string | undefined> {
  if (!(error instanceof MeshError) || error.details.reason !== 'not_admitted') return undefined
  const status = await findLiveAccount()
    ?.client.call('status', {})
    .catch(() => undefined)
  return status?.instanceId
}
