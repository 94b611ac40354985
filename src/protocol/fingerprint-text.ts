/** What people, chats and word processors put between the groups. */
const BETWEEN_GROUPS = /[\s\p{Pd}]+/gu

const CHARS = /^[a-z2-7]{24}$/

/** The 24 characters of a fingerprint as people type and paste it: any case, with spaces, with or without dashes. Undefined for anything else. */
export function fingerprintChars(text: string): string | undefined {
  const chars = text.normalize('NFKC').replace(BETWEEN_GROUPS, '').toLowerCase()
  return CHARS.test(chars) ? chars : undefined
}
