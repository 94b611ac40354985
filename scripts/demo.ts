import { parseArgs } from 'node:util'
import { runBareDemo } from './demo/bare.ts'
import { runGatewayDemo } from './demo/gateways.ts'

/** `npm run demo [-- --json] [-- --bare]`: the main job of the mesh, done by two real instances on this machine's loopback. */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, bare: { type: 'boolean', default: false } }
})

// With --json the last line of stdout is the result; everything for people goes to stderr.
const print = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
const summary = values.bare ? await runBareDemo({ print }) : await runGatewayDemo({ print })
if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
process.exitCode = summary.ok ? 0 : 1
