import { request } from 'node:http'
import type { AbortOptions } from '../mesh/ports.ts'
import { withDeadline } from './deadline.ts'
import { elementsOf, textOf } from './port-mapping-xml.ts'

/** A router in the own network answers in milliseconds; a slow one writes a rule first. */
const EXCHANGE_MS = 3_000

/** Descriptions of routers have some 3,000 characters. */
const ANSWER_MAX_CHARS = 65_536

/** What opens ports, in the first and the second version, and for lines with a dialled connection. */
const SERVICES = [
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANPPPConnection:1'
]

/** Where a router takes orders. */
export interface Control {
  url: URL
  service: string
}

/** The router understood, and said no. */
export class RouterRefusal extends Error {
  /** UPnP's number. */
  readonly code: number

  constructor(code: number) {
    super(`the router refused with ${code}`)
    this.name = 'RouterRefusal'
    this.code = code
  }
}

/**
 * Reads the description of a router. The services in it must be on the same machine: else whoever answers could have us call any other.
 *
 * @throws Error where nothing there opens ports, or nothing answers
 */
export async function readDescription(location: URL, options: AbortOptions = {}): Promise<Control> {
  const { ok, text } = await exchange(location, { method: 'GET' }, options)
  if (!ok) throw new Error('there is no description')
  const base = URL.parse(textOf(text, 'URLBase') ?? '') ?? location
  for (const element of elementsOf(text, 'service')) {
    const service = SERVICES.find(known => known === textOf(element, 'serviceType'))
    const url = URL.parse(textOf(element, 'controlURL') ?? '', base.href)
    if (service !== undefined && url?.protocol === 'http:' && url.hostname === location.hostname)
      return { url, service }
  }
  throw new Error('there is no service that opens ports')
}

/**
 * Gives the router one order. Nothing in the arguments may need an escape.
 *
 * @returns the XML of the answer
 * @throws RouterRefusal, or Error where there is no answer
 */
export async function order(
  { url, service }: Control,
  action: string,
  args: Record<string, string | number>,
  options: AbortOptions = {}
): Promise<string> {
  const body = [
    '<?xml version="1.0"?>',
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">',
    `<s:Body><u:${action} xmlns:u="${service}">`,
    ...Object.entries(args).map(([name, value]) => `<${name}>${value}</${name}>`),
    `</u:${action}></s:Body></s:Envelope>`
  ].join('')
  const headers = { 'Content-Type': 'text/xml; charset="utf-8"', SOAPAction: `"${service}#${action}"` }
  const { ok, text } = await exchange(url, { method: 'POST', headers, body }, options)
  if (ok) return text
  const code = Number(textOf(text, 'errorCode'))
  if (Number.isInteger(code)) throw new RouterRefusal(code)
  throw new Error('the router did not take the order')
}

/** One question over HTTP. No redirect is followed and no proxy is asked: it is for exactly this machine. */
async function exchange(
  url: URL,
  { method, headers, body }: { method: 'GET' | 'POST'; headers?: Record<string, string>; body?: string },
  options: AbortOptions
): Promise<{ ok: boolean; text: string }> {
  const { hostname: host, port, pathname, search } = url
  const ask = (signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ ok: boolean; text: string }>()
    const question = request({
      host,
      port: port === '' ? 80 : Number(port),
      path: `${pathname}${search}`,
      method,
      agent: false,
      signal,
      headers: { ...headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) }
    })
    question.on('error', reject)
    question.on('response', answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('error', reject)
      answer.on('data', (part: string) => {
        text += part
        if (text.length > ANSWER_MAX_CHARS) answer.destroy(new Error('the answer is too long'))
      })
      answer.on('end', () => resolve({ ok: answer.statusCode === 200, text }))
    })
    question.end(body)
    return promise
  }
  return await withDeadline(EXCHANGE_MS, ask, options)
}
