import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'

export const forget = defineCommand({
  name: 'forget',
  summary: 'Erase what is known of a peer and shut it out until you let it in again.',
  example: 'forget bob',
  positionals: [{ name: 'who', description: 'instance id, peer id or name of the peer' }],
  options: {},
  async run({ client, args, out, signal }) {
    const result = await client.call('forget', { who: args.who }, { signal })
    const waiting = result.cancelled === 0 ? '' : ` ${result.cancelled} messages that waited for it will not be sent.`
    out.result(result, () => [`${safe(result.instanceId)} is forgotten.${waiting}`])
    return EXIT.done
  }
})
