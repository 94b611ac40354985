import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { trustLines } from './trust.ts'

export const approve = defineCommand({
  name: 'approve',
  summary: 'Admit a peer, so that both sides can write to each other once it admits this instance too.',
  example: 'approve brisk-otter@mfzw-izlb-onsw-i2lo-m5zg-k4tf --name bob',
  positionals: [{ name: 'who', description: 'instance id or peer id of the peer, or its name when it is known here' }],
  options: {
    name: {
      type: 'string',
      short: 'n',
      placeholder: 'name',
      description: 'The name that this peer has here from now on.'
    }
  },
  async run({ client, args, options, out, program, signal }) {
    const result = await client.call('approve', { who: args.who, name: options.name }, { signal })
    out.result(result, () => trustLines(result))
    if (!result.connected) {
      out.note(
        `Not connected yet: ask the owner of ${safe(result.instanceId)} to approve this instance too; ${program} status shows its id.`
      )
    }
    return EXIT.done
  }
})
