import { type Fingerprint, skeletonOf } from '../protocol/index.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Store } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import type { Trust } from './trust.ts'

/** Between two notices about one name: whoever takes it on again and again is worth one a day. */
const PAUSE_MS = 24 * 60 * 60 * 1000

/**
 * Somebody who was let in comes back with another key, or somebody else takes its name: to this instance the same, a stranger. Nothing goes to the new
 * key, what waits for the old one goes on waiting, and the owner, who alone can tell the two apart, is told.
 */
export class Namesakes {
  readonly #components: { store: Store; trust: Trust; routes: RouteTable; notices: OwnerNotices }

  constructor(components: { store: Store; trust: Trust; routes: RouteTable; notices: OwnerNotices }) {
    this.#components = components
  }

  /** A peer said what it calls itself. */
  met(stranger: Fingerprint): void {
    const { trust, routes, notices, store } = this.#components
    if (trust.admitted(stranger) || trust.levelOf(stranger) === 'blocked') return
    const label = routes.byInstance(stranger)?.label ?? ''
    if (label === '') return
    const skeleton = skeletonOf(label)
    const known = [...trust.petnamedLike(skeleton), ...routes.labelledLike(skeleton)].find(
      instance => instance !== stranger && trust.admitted(instance)
    )
    if (known === undefined) return
    const waiting = store.outbox.load(known).entries
    notices.tell({
      subject: `namesake ${known}`,
      pauseMs: PAUSE_MS,
      about: known,
      text: name =>
        `${name(stranger)} calls itself like ${name(known)} and has another key. Nothing is sent to it${waiting > 0 ? `; ${waiting} for the old key wait` : ''}. ` +
        `If it is the same owner with a new key: compare ${stranger} with that screen, approve it, and forget the old one.`
    })
  }
}
