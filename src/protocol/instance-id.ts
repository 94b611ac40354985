import { ProtocolError } from './errors.ts'
import { type Fingerprint, inGroups } from './fingerprint.ts'
import { fingerprintChars } from './fingerprint-text.ts'
import { parseLabel } from './label.ts'

export interface InstanceId {
  label?: string
  fingerprint: Fingerprint
}

/** Room for a label, a fingerprint and generous spacing; anything longer is no instance id. */
const INPUT_MAX_CHARS = 512

/**
 * Reads `label@xxxx-xxxx-xxxx-xxxx-xxxx-xxxx` as people type and paste it: any case, with spaces, without dashes, without the label.
 *
 * @throws {ProtocolError} `instance_id_malformed`
 */
export function parseInstanceId(text: string): InstanceId {
  if (text.length > INPUT_MAX_CHARS) throw malformed()
  const at = text.lastIndexOf('@')
  const chars = fingerprintChars(text.slice(at + 1))
  if (chars === undefined) throw malformed()
  const fingerprint = inGroups(chars)
  const label = text.slice(0, Math.max(at, 0)).trim()
  return label === '' ? { fingerprint } : { label: labelOf(label), fingerprint }
}

/** `label@fingerprint`, or the fingerprint alone where there is no label. Both must be canonical. */
export function formatInstanceId(label: string, fingerprint: Fingerprint): string {
  return label === '' ? fingerprint : `${label}@${fingerprint}`
}

function labelOf(text: string): string {
  try {
    return parseLabel(text)
  } catch (cause) {
    throw malformed(cause)
  }
}

function malformed(cause?: unknown): ProtocolError {
  return new ProtocolError('instance_id_malformed', 'an instance id reads label@xxxx-xxxx-xxxx-xxxx-xxxx-xxxx', {
    cause
  })
}
