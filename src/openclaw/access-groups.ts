import { ALLOWED_MAX } from '../settings/limits.ts'
import { PLUGIN_ID } from '../settings/plugin-id.ts'
import type { HostConfig } from './host-types.ts'

/** How an entry of `allowFrom` names a group of the host. */
const PREFIX = 'accessGroup:'

/**
 * `allowFrom` with the members of the host's groups in place of `accessGroup:<name>`. Only lists of senders count, of them the part for every channel and
 * the part for this one. A group that has none of them stays as it is written: it is nobody's id, and the mesh says so. `*` in a group opens nothing, it has
 * to stand in `allowFrom` itself.
 */
export function withAccessGroups(allowFrom: readonly string[], cfg: HostConfig): string[] {
  return allowFrom
    .flatMap(entry => {
      const members = entry.startsWith(PREFIX) ? membersOf(entry.slice(PREFIX.length), cfg) : []
      return members.length > 0 ? members : [entry]
    })
    .slice(0, ALLOWED_MAX)
}

/**
 * `notifyOnly` likewise. Here the list closes a door instead of opening it: `*` in a group means everybody, and so does a list that is longer than
 * the mesh can take. So does, in the mesh, a group without members: it stays as it is written, and names nobody.
 */
export function withNotifiedGroups(notifyOnly: readonly string[], cfg: HostConfig): string[] {
  const entries = notifyOnly.flatMap(entry => {
    const members = entry.startsWith(PREFIX) ? writtenIn(entry.slice(PREFIX.length), cfg) : []
    return members.length > 0 ? members : [entry]
  })
  return entries.length > ALLOWED_MAX ? ['*'] : entries
}

function membersOf(name: string, cfg: HostConfig): string[] {
  return writtenIn(name, cfg).filter(member => member !== '*')
}

function writtenIn(name: string, cfg: HostConfig): string[] {
  const groups = cfg.accessGroups
  const group = groups !== undefined && Object.hasOwn(groups, name) ? groups[name] : undefined
  if (group?.type !== 'message.senders') return []
  const members = [...(group.members['*'] ?? []), ...(group.members[PLUGIN_ID] ?? [])]
  return members.map(member => String(member).trim()).filter(member => member !== '')
}
