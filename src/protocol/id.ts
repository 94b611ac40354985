import { fromHex, toHex } from './bytes.ts'
import { EPOCH_BYTES, ID_BYTES } from './limits.ts'

/** Message, conversation and trace ids are 32 lower-case hex digits outside, 16 bytes on the wire. */
const ID = new RegExp(`^[0-9a-f]{${2 * ID_BYTES}}$`)
const EPOCH = new RegExp(`^[0-9a-f]{${2 * EPOCH_BYTES}}$`)

/** 128 random bits as 32 lower-case hex digits. */
export function newId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(ID_BYTES)))
}

export function isId(text: string): boolean {
  return ID.test(text)
}

/** 64 random bits as 16 lower-case hex digits: made once with a state directory. */
export function newEpoch(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(EPOCH_BYTES)))
}

export function isEpoch(text: string): boolean {
  return EPOCH.test(text)
}

/** Undefined where the text is no id. */
export function idToBytes(id: string): Uint8Array | undefined {
  return id.length === 2 * ID_BYTES ? fromHex(id) : undefined
}

/** Undefined where the text is no epoch. */
export function epochToBytes(epoch: string): Uint8Array | undefined {
  return epoch.length === 2 * EPOCH_BYTES ? fromHex(epoch) : undefined
}
