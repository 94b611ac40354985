import { parseInstanceId, safe } from '../protocol/index.ts'

/** The part of an instance id that names it beyond doubt: what people compare, and can paste into a shell, as the label may hold spaces. */
export function fingerprintIn(instanceId: string): string {
  return parseInstanceId(instanceId).fingerprint
}

/** Who it is: the name that it goes by here, where its instance id does not begin with that, and the id. */
export function fullName({ name, instanceId }: { name: string; instanceId: string }): string {
  return instanceId.startsWith(`${name}@`) ? safe(instanceId) : `${safe(name)}, ${safe(instanceId)}`
}

/** How a command line that is given as advice names one of these: ready to paste where there is one alone. */
export function oneOf(instanceIds: readonly string[]): string {
  const [only] = instanceIds
  return only !== undefined && instanceIds.length === 1 ? fingerprintIn(only) : '<fingerprint>'
}
