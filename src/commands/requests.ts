import type { Result } from '../control/methods.ts'
import { safe } from '../protocol/index.ts'
import { defineCommand, EXIT } from './command.ts'
import { fingerprintIn, oneOf } from './fingerprint.ts'
import { table } from './table.ts'
import { minuteOf } from './times.ts'

const HEADING = ['', 'NAME', 'FINGERPRINT', 'ASKED (UTC)', 'PURPOSE']

/** The purpose gives way before the name does: a stranger writes both, and the owner has to see who asks. */
const YIELDS = [4, 1]

export const requests = defineCommand({
  name: 'requests',
  summary: 'List who asks to be let in, and whom this instance has asked.',
  example: 'requests',
  positionals: [],
  options: {},
  async run({ client, out, program, signal }) {
    const list = await client.call('requests', {}, { signal })
    out.result(list, () =>
      list.length === 0
        ? ['No requests are open.']
        : [...table(HEADING, list.map(row), { yields: YIELDS }), ...advice(list, program)]
    )
    return EXIT.done
  }
})

type Request = Result<'requests'>[number]

function row({ direction, name, instanceId, askedAt, purpose }: Request): string[] {
  return [
    direction === 'incoming' ? 'asks' : 'asked',
    safe(name),
    fingerprintIn(instanceId),
    minuteOf(askedAt),
    safe(purpose)
  ]
}

/** A line for each decision, so that either can be pasted. */
function advice(list: readonly Request[], program: string): string[] {
  const incoming = list.filter(({ direction }) => direction === 'incoming').map(({ instanceId }) => instanceId)
  if (incoming.length === 0) return []
  const who = oneOf(incoming)
  return [
    '',
    'Compare the fingerprint with what the other screen shows, then run one of:',
    `  ${program} approve ${who}`,
    `  ${program} reject ${who}`
  ]
}
