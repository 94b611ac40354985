import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { networkInterfaces } from 'node:os'
import { textOf } from '../../src/node/port-mapping-xml.ts'

/** This machine, in the network of the tests' router, which is on loopback. */
export const HOST = '127.0.0.2'

/** The interfaces of a machine that is there under this address. */
export function interfacesAt(address: string): ReturnType<typeof networkInterfaces> {
  return {
    v0: [
      {
        ...{ address, netmask: '255.0.0.0', family: 'IPv4', mac: '00:00:00:00:00:00' },
        ...{ internal: false, cidr: `${address}/8` }
      }
    ]
  }
}

const CONNECTION = 'urn:schemas-upnp-org:service:WANIPConnection:1'

/** What a router answers to one order: values, a number of UPnP's for no, or nothing ever. */
type Reply = Record<string, string> | number | 'silence'

/** A router of the first version of UPnP, as long as nothing else is said: with a public address, and willing. */
export class FakeRouter implements AsyncDisposable {
  external = '46.0.0.10'
  controlUrl = '/control'
  /** Instead of the description. */
  page: ((answer: ServerResponse) => void) | undefined
  reply: (action: string, args: (name: string) => string) => Reply | undefined = () => undefined
  /** Port outside -> who asked for it, in order. */
  readonly opened: { port: number; to: string; description: string }[] = []
  readonly closed: number[] = []
  readonly actions: string[] = []
  readonly #server = createServer((question, answer) => void this.#serve(question, answer))

  static async create(): Promise<FakeRouter> {
    const router = new FakeRouter()
    await new Promise<void>(resolve => router.#server.listen(0, '127.0.0.1', resolve))
    return router
  }

  get location(): URL {
    const { port } = this.#server.address() as AddressInfo
    return new URL(`http://127.0.0.1:${port}/root.xml`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(question: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (question.method === 'GET') {
      if (this.page !== undefined) return this.page(answer)
      answer.end(
        `<root><device><serviceList><service><serviceType>${CONNECTION}</serviceType><controlURL>${this.controlUrl}</controlURL></service></serviceList></device></root>`
      )
      return
    }
    const action = /#(\w+)"/.exec(String(question.headers['soapaction']))?.[1] ?? ''
    this.actions.push(action)
    let body = ''
    for await (const part of question) body += part
    const text = (name: string): string => textOf(body, name) ?? ''
    const reply = this.reply(action, text) ?? this.#willing(action, text)
    if (reply === 'silence') return
    if (typeof reply === 'number') {
      answer.writeHead(500)
      answer.end(`<s:Fault><detail><UPnPError><errorCode>${reply}</errorCode></UPnPError></detail></s:Fault>`)
      return
    }
    answer.end(
      Object.entries(reply)
        .map(([name, value]) => `<${name}>${value}</${name}>`)
        .join('')
    )
  }

  #willing(action: string, text: (name: string) => string): Reply {
    if (action === 'GetExternalIPAddress') return { NewExternalIPAddress: this.external }
    const port = Number(text('NewExternalPort'))
    if (action === 'DeletePortMapping') this.closed.push(port)
    else {
      const to = `${text('NewInternalClient')}:${text('NewInternalPort')}`
      this.opened.push({ port, to, description: text('NewPortMappingDescription') })
    }
    return {}
  }
}
