import * as z from 'zod'
import { LIVE_SETTINGS } from '../src/settings/live.ts'
import { nodeSettingsSchema, PENDING_SETTINGS, settingsSchema } from '../src/settings/schema.ts'

/** What zod says of one setting. */
interface Shape {
  type?: string
  enum?: string[]
  items?: Shape
  minimum?: number
  maximum?: number
  maxLength?: number
  maxItems?: number
  description?: string
  default?: unknown
}

const INTRO = `# Settings

Generated from \`src/settings/schema.ts\` by \`npm run generate\`. Do not edit.

Every setting stands under \`channels.libp2p-mesh\` in \`openclaw.json\`, and \`{ "enabled": true }\` is enough on a local network. The same keys are
accepted under \`plugins.entries.libp2p-mesh.config\`; where both have a key, the channel's counts. The bare host reads them as one JSON object from
the file that \`libp2p-mesh node --config\` names.

A key that is not in the table is refused, and so is a wrong value: in one sentence that says the path, the value and what is allowed. Then the
mesh does not start, or, where it runs, goes on with the settings that it has.

**Takes effect** tells what a change costs while the gateway runs: _at once_ changes nothing but what it says; _restart_ takes the mesh down and up
again in about a second, which loses no message: the gateway and its other channels run on.

**Later** marks work that comes in a later release. Such a setting is checked already, and \`openclaw channels status --probe\` and \`openclaw p2p
status\` name it as long as it is set to something that has no effect yet.
`

const RULES = `
## Rules between settings

- \`dmPolicy: "open"\` lets everybody in, so it also needs \`"*"\` in \`allowFrom\`, and \`"*"\` needs \`dmPolicy: "open"\`.
- \`inboundChannel\` and \`inboundTarget\` belong together.
- \`bootstrapList\` is dialled in every mode of \`discovery\`; \`"bootstrap"\` only leaves mDNS out.
- \`announceAddrs\` is added to the addresses that are found; it replaces none.
- \`enableCircuitRelayServer\` carries for admitted peers only, so it does not go with \`dmPolicy: "open"\`, unless \`enableNATTraversal\` is \`false\`.
`

/** The whole of docs/configuration.md. */
export function configurationText(): string {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input' }) as { properties: Record<string, Shape> }
  const bare = z.toJSONSchema(nodeSettingsSchema, { io: 'input' }) as { properties: Record<string, Shape> }
  const onlyBare = Object.entries(bare.properties).filter(([key]) => !(key in schema.properties))
  return [
    INTRO,
    table(Object.entries(schema.properties)),
    RULES,
    '## On the bare host only\n',
    table(onlyBare),
    ''
  ].join('\n')
}

function table(entries: [string, Shape][]): string {
  const rows = entries.map(([key, shape]) =>
    [`\`${key}\``, valuesOf(shape), defaultOf(shape), escaped(shape.description), effectOf(key)].join(' | ')
  )
  const lines = ['setting | values | default | what it does | takes effect', ...rows].map(row => `| ${row} |`)
  return [lines[0], '|---|---|---|---|---|', ...lines.slice(1)].join('\n')
}

function valuesOf(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.map(value => `\`"${value}"\``).join(', ')
  if (shape.type === 'array') return `list of ${shape.items?.type ?? 'value'}s, at most ${shape.maxItems}`
  if (shape.type === 'integer') return `whole number, ${shape.minimum} to ${shape.maximum}`
  if (shape.type === 'string') return `text, at most ${shape.maxLength} characters`
  return '`true`, `false`'
}

/** Angle brackets would be read as HTML. */
function escaped(text = ''): string {
  return text.replaceAll('<', '\\<')
}

function defaultOf({ default: value }: Shape): string {
  return value === undefined ? 'none' : `\`${JSON.stringify(value)}\``
}

function effectOf(key: string): string {
  const live = (LIVE_SETTINGS as readonly string[]).includes(key) ? 'at once' : 'restart'
  if (!(key in PENDING_SETTINGS)) return live
  return key === 'discovery' ? `${live}; \`"dht"\` later` : `${live}; later`
}
