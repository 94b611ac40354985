import type { Notice, Notices } from '../../src/mesh/ports.ts'

/** Keeps what the owner was told. */
export class FakeNotices implements Notices {
  readonly notices: Notice[] = []

  async notify(notice: Notice): Promise<void> {
    this.notices.push(notice)
  }

  /** The notices of one kind. */
  of<K extends Notice['kind']>(kind: K): Array<Extract<Notice, { kind: K }>> {
    return this.notices.filter((notice): notice is Extract<Notice, { kind: K }> => notice.kind === kind)
  }
}
