import { defineCommand, EXIT } from './command.ts'
import { trustLines } from './trust.ts'

export const rename = defineCommand({
  name: 'rename',
  summary: 'Give a peer the name that it has here.',
  example: 'rename brisk-otter bob',
  positionals: [
    { name: 'who', description: 'instance id, peer id or name of the peer' },
    { name: 'name', description: 'its new name here' }
  ],
  options: {},
  async run({ client, args, out, signal }) {
    const result = await client.call('rename', { who: args.who, name: args.name }, { signal })
    out.result(result, () => trustLines(result))
    return EXIT.done
  }
})
