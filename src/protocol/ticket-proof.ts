import { concat } from './bytes.ts'

/** What the proof is about, so that it is good for nothing else. */
const DOMAIN = new TextEncoder().encode('libp2p-mesh/1/ticket/proof\0')

/** Keys of both sides, 32 bytes each: a proof that was overheard or passed on is no use to a third. */
export interface ProofKeys {
  issuer: Uint8Array
  sender: Uint8Array
}

/** 32 bytes that only somebody who has the ticket's secret can make: HMAC-SHA256 over the domain and both keys. */
export async function ticketProof(secret: Uint8Array, keys: ProofKeys): Promise<Uint8Array> {
  const signature = await crypto.subtle.sign('HMAC', await hmacKey(secret, 'sign'), messageOf(keys))
  return new Uint8Array(signature)
}

/** In constant time. */
export async function isTicketProof(proof: Uint8Array, secret: Uint8Array, keys: ProofKeys): Promise<boolean> {
  return await crypto.subtle.verify('HMAC', await hmacKey(secret, 'verify'), Uint8Array.from(proof), messageOf(keys))
}

async function hmacKey(secret: Uint8Array, usage: 'sign' | 'verify') {
  return await crypto.subtle.importKey('raw', Uint8Array.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    usage
  ])
}

function messageOf({ issuer, sender }: ProofKeys): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(concat(DOMAIN, issuer, sender))
}
