/** Types of the second implementation, which is plain JavaScript: a module of it stands for each that a program of ours loads. */

declare module '*/reference/wire.mjs' {
  /** Values of one message by field name in camel case; fields that are absent are not there. */
  export type Values = Record<string, unknown>
  export class Refusal extends Error {
    readonly code: string
  }
  export function readMessage(type: string, bytes: Uint8Array, code: string): { values: Values; unknown: boolean }
  export function writeMessage(type: string, values: Values): Buffer
  export function framed(bytes: Uint8Array): Buffer
  export function unframed(bytes: Uint8Array, maxBytes: number): { frames: Buffer[]; rest: Buffer }
}

declare module '*/reference/identity.mjs' {
  export interface KeyPair {
    publicKey: Buffer
    sign(bytes: Uint8Array): Buffer
  }
  export function keyOf(seed: Uint8Array): KeyPair
  export function fingerprintBytes(publicKey: Uint8Array): Buffer
  export function fingerprintText(bytes: Uint8Array): string
  export function fingerprintFrom(text: string): Buffer
  export function peerIdOf(publicKey: Uint8Array): string
  export function keyInPeerId(peerId: string): Buffer | undefined
}

declare module '*/reference/envelope.mjs' {
  /** In the words of the vectors: ids, keys and bodies as hex, instances as fingerprints. */
  export interface Content {
    kind: string
    id: string
    from: string
    key: string
    to?: string
    topic?: string
    epoch: string
    conversation: string
    seq: number
    inReplyTo?: string
    timeMs: number
    expiresMs: number
    trace: { root: string; parent?: string; depth: number; hops: string[] }
    body:
      | { type: 'plain' | 'sealed'; bytes: string }
      | { type: 'chunk'; index: number; total: number; data: string }
      | { type: 'none' }
  }
  export interface Sealed {
    signed: Buffer
    sig: Buffer
    sides: number
    path: Buffer[]
  }
  export function hashOf(signed: Uint8Array): Buffer
  export function conversationOfTopic(topic: string): Buffer
  export function writeSigned(content: Content): Buffer
  export function readSigned(bytes: Uint8Array): Content
  export function bytesToSign(root: Uint8Array): Buffer
  export function rootOf(envelope: Pick<Sealed, 'signed' | 'sides' | 'path'>): Buffer
  export function seal(content: Content, key: { sign(bytes: Uint8Array): Buffer }): Sealed
}

declare module '*/reference/frames.mjs' {
  export interface ShownReceipt {
    id: string
    attempt: number
    hash: string
    outcome: string
    reason: string
    untilMs?: number
  }
  export type ShownFrame =
    | {
        type: 'hello'
        hello: {
          version: number
          kinds: string[]
          maxFrameBytes: number
          epoch: string
          timeMs: number
          admitted: boolean
          label: string
        }
      }
    | { type: 'envelope'; envelope: { signed: string; sig: string; sides: number; path: string[] } }
    | { type: 'receipts'; receipts: ShownReceipt[] }
  export function readFrame(bytes: Uint8Array): ShownFrame
  export function writeFrame(frame: ShownFrame): Buffer
  export function writeRouteRecord(record: {
    peer: string
    seq: number
    addresses: string[]
    issuedMs: number
    expiresMs: number
    label: string
  }): Buffer
}
