import { toHex, unshared } from './bytes.ts'
import { epochToBytes } from './id.ts'
import { ENVELOPE_KINDS, type EnvelopeKind } from './kinds.ts'
import { parseLabel, peerLabel } from './label.ts'
import { EPOCH_BYTES } from './limits.ts'
import type { Hello as HelloMessage } from './mesh.pb.ts'
import { kindOf } from './numbers.ts'
import { demand } from './parse.ts'

/** The first frame of either side. */
export interface Hello {
  /** Highest version of the signed part that the sender reads, from 1. */
  version: number
  /** Envelope kinds that the sender understands; those that this side does not know are left out. */
  kinds: EnvelopeKind[]
  /** Largest frame that the sender accepts, bytes. */
  maxFrameBytes: number
  /** 16 hex digits. */
  epoch: string
  /** The sender's wall clock, ms since 1970. */
  timeMs: number
  /** Is the receiver of this hello admitted at the sender? */
  admitted: boolean
  /** Decoration; empty where there is none that this side can read. */
  label: string
}

/** More kinds than there will ever be. */
const KINDS_MAX = 256
const UINT32_MAX = 0xffff_ffff

/** The generated codec's form of a hello. @throws {ProtocolError} `frame_malformed`, `label_malformed` */
export function helloMessage(hello: Hello): HelloMessage {
  const epoch = epochToBytes(hello.epoch)
  demand(epoch !== undefined, 'frame_malformed', 'epoch')
  const message = {
    version: hello.version,
    kinds: hello.kinds.map(kind => ENVELOPE_KINDS[kind]),
    maxFrameBytes: hello.maxFrameBytes,
    epoch: unshared(epoch),
    timeMs: hello.timeMs,
    admitted: hello.admitted,
    label: hello.label === '' ? '' : parseLabel(hello.label)
  }
  checkHello(message)
  return message
}

/** A hello from the generated codec's form. @throws {ProtocolError} `frame_malformed` */
export function readHello(message: HelloMessage): Hello {
  checkHello(message)
  const kinds = new Set(message.kinds.map(kindOf).filter(kind => kind !== undefined))
  return {
    version: message.version,
    kinds: [...kinds],
    maxFrameBytes: message.maxFrameBytes,
    epoch: toHex(message.epoch),
    timeMs: message.timeMs,
    admitted: message.admitted,
    label: peerLabel(message.label)
  }
}

function checkHello({ version, kinds, maxFrameBytes, epoch, timeMs }: HelloMessage): void {
  demand(uint32(version), 'frame_malformed', 'version')
  demand(kinds.length <= KINDS_MAX, 'frame_malformed', 'kinds')
  demand(uint32(maxFrameBytes), 'frame_malformed', 'max_frame_bytes')
  demand(epoch.length === EPOCH_BYTES, 'frame_malformed', 'epoch')
  demand(Number.isSafeInteger(timeMs) && timeMs > 0, 'frame_malformed', 'time')
}

function uint32(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= UINT32_MAX
}
