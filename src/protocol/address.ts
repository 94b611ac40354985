/** A DNS name of 253 characters with a certificate hash and a relay hop stays below. */
const ADDRESS_MAX_CHARS = 512

/** Printable ASCII without spaces, a slash first. */
const ADDRESS = /^(?:\/[!-.0-~]+)+$/

/** Whether this is the text of a multiaddr by its form. */
export function isAddress(text: string): boolean {
  return text.length <= ADDRESS_MAX_CHARS && ADDRESS.test(text)
}
