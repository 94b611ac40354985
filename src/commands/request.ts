import { PURPOSE_MAX_CHARS, safe } from '../protocol/index.ts'
import { UsageError } from './arguments.ts'
import { defineCommand, EXIT } from './command.ts'

export const request = defineCommand({
  name: 'request',
  summary: 'Ask an instance to let this one in; its owner decides.',
  example: 'request brisk-otter@mfzw-izlb-onsw-i2lo-m5zg-k4tf --purpose "tea"',
  positionals: [{ name: 'who', description: 'instance id or peer id' }],
  options: {
    purpose: {
      type: 'string',
      short: 'p',
      placeholder: 'text',
      description: 'Why, in a sentence that its owner reads.'
    }
  },
  async run({ client, args, options, out, program, signal }) {
    const { purpose } = options
    if (purpose !== undefined && [...purpose].length > PURPOSE_MAX_CHARS)
      throw new UsageError(`--purpose is too long: ${PURPOSE_MAX_CHARS} characters at most.`)
    const result = await client.call(
      'request',
      { who: args.who, ...(purpose !== undefined && { purpose }) },
      { signal }
    )
    const who = safe(result.instanceId)
    out.result(result, () => [
      result.state === 'admitted'
        ? `${who} has let this instance in; both can write to each other now.`
        : `${who} was asked, or will be as soon as it is in reach; its owner decides. See ${program} requests.`
    ])
    return result.state === 'admitted' ? EXIT.done : EXIT.pending
  }
})
