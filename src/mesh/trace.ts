import { type Content, TRACE_HOPS_MAX, type Trace } from '../protocol/index.ts'

/** The first envelope of a chain is its own root. */
export function traceOfNew(id: string): Trace {
  return { root: id, depth: 0, hops: [] }
}

/**
 * What this instance sends because of `content`, a reply included: one deeper, its sender among the hops. At the wire's limit the
 * depth stays and the newest hops are kept: chains have ended long before.
 */
export function traceOfCaused(content: Pick<Content, 'id' | 'from' | 'trace'>): Trace {
  const { root, depth, hops } = content.trace
  const passed = hops.includes(content.from) ? hops : [...hops, content.from]
  return { root, parent: content.id, depth: Math.min(depth + 1, TRACE_HOPS_MAX), hops: passed.slice(-TRACE_HOPS_MAX) }
}
