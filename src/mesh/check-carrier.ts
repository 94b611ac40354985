import { type Content, peerIdOf, type RejectReason } from '../protocol/index.ts'

/** `wrong_sender`. The carrier holds the sender's key; that this key is the sender's was checked with the schema. */
export function checkCarrier({ key }: Content, carrier: string): RejectReason | undefined {
  return peerIdOf(key) === carrier ? undefined : 'wrong_sender'
}
