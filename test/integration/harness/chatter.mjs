import { appendFileSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * A reply command that always answers and always goes on: it notes its turn, waits as long as the text says, and tells everybody that its node
 * talks to. Text: `traced|blind <wait in ms> <word>`; what is traced names the message that made it speak.
 */
const [folder = '', socketPath = ''] = process.argv.slice(2)
const text = readFileSync(0, 'utf8')
const [manner = '', waitMs = '0'] = text.split(' ')
const {
  LIBP2P_MESH_MESSAGE_ID: id,
  LIBP2P_MESH_FROM_PEER_ID: from,
  LIBP2P_MESH_FROM_INSTANCE_ID: instance = ''
} = process.env
// Ids are the sender's own: the cause names both.
const cause = `${instance.slice(instance.lastIndexOf('@') + 1)}/${id}`
appendFileSync(`${folder}/turns`, `${JSON.stringify({ from, text })}\n`)
await new Promise(resolve => setTimeout(resolve, Number(waitMs)))

const targets = JSON.parse(readFileSync(`${folder}/talks-to.json`, 'utf8'))
const socket = connect(socketPath)
for (const [call, target] of targets.entries()) {
  // Nobody waits for what becomes of it: that it is stored is enough.
  const params = { target, text, waitFor: 'received', timeoutMs: 0, ...(manner === 'traced' && { cause }) }
  socket.write(`${JSON.stringify({ t: 'call', id: call, method: 'send', params })}\n`)
}
let open = targets.length
for await (const line of createInterface({ input: socket })) {
  const answer = JSON.parse(line)
  if (answer.t !== 'ok') throw new Error(line)
  open--
  if (open === 0) break
}
socket.destroy()
process.stdout.write('indeed')
