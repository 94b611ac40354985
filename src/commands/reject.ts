import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'

export const reject = defineCommand({
  name: 'reject',
  summary: 'Turn a request down; asking again is of no use for a week.',
  example: 'reject brisk-otter@mfzw-izlb-onsw-i2lo-m5zg-k4tf',
  positionals: [{ name: 'who', description: 'instance id, peer id or name of who asks' }],
  options: {},
  async run({ client, args, out, signal }) {
    const result = await client.call('reject', { who: args.who }, { signal })
    out.result(result, () => [`The request of ${safe(result.instanceId)} is rejected; nothing else of it was kept.`])
    return EXIT.done
  }
})
