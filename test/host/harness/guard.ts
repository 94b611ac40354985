// Runs as a process of its own beside a sandbox: `node guard.ts <root>`. It reads process group ids from stdin, one a
// line, and cleans up when stdin ends. The kernel closes that pipe however the owner dies, also by SIGKILL, where no
// handler of the owner runs. An owner that cleans up itself says `done` first.

import { createInterface } from 'node:readline'
import { reap } from './reap.ts'

const root = process.argv[2]
if (root === undefined) throw new Error('usage: node guard.ts <root>')

const groups = new Set<number>()
let done = false
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'done') done = true
  else groups.add(Number(line))
}
if (!done) reap(root, groups)
