/** One message as the host sends it; `content` is flattened to text. */
export interface ChatMessage {
  readonly role: string
  readonly content: string
}

/** One chat-completions request, as a test wants to see it. */
export interface ModelRequest {
  /** Position in `FakeModel.requests`. */
  readonly index: number
  /** Unix time of arrival in ms. */
  readonly at: number
  readonly model: string
  readonly messages: readonly ChatMessage[]
  /** Names of the tools offered to the model. */
  readonly tools: readonly string[]
  /** What the newest user message says, without what the host added to it. */
  readonly userText: string
  /** All user texts of the session that the host sent along, oldest first, host additions removed. */
  readonly userTexts: readonly string[]
  /** The session that asks, read from the runtime line that the host puts into a session's first turn. */
  readonly sessionKey: string | undefined
  /** Results of the tool calls that directly precede this request; empty at the start of a turn. */
  readonly toolResults: readonly string[]
  /** Aborts when the host hangs up before the reply is complete. */
  readonly signal: AbortSignal
}

/** A user message that only carries data of the host about the turn. */
const INTERNAL_CONTEXT = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>'
/** What the host puts around a user's words: time, a block about the sender, and (first turn of a session) a runtime line. */
const TIME_PREFIX = /^\[[A-Z][a-z]{2} \d{4}-\d{2}-\d{2} [^\]]+\] /
const SENDER_BLOCK = /^Conversation info: ⟦openclaw:ctx⟧\n```json\n[\s\S]*?\n```\n\n/
const RUNTIME_LINE = /\n\nRuntime: agent=[^\n]*$/
const RUNTIME_SESSION = /\nRuntime: agent=[^\n]* session=(\S+)/

interface WireMessage {
  readonly role: string
  readonly content?: string | ReadonlyArray<{ readonly type: string; readonly text?: string }> | null
}

interface WireRequest {
  readonly model: string
  readonly messages: readonly WireMessage[]
  readonly tools?: ReadonlyArray<{ readonly function: { readonly name: string } }>
}

export function readRequest(body: string, meta: Pick<ModelRequest, 'index' | 'at' | 'signal'>): ModelRequest {
  const wire = JSON.parse(body) as WireRequest
  const messages = wire.messages.map(({ role, content }) => ({ role, content: flatten(content) }))
  const fromUser = messages.filter(({ role, content }) => role === 'user' && !content.startsWith(INTERNAL_CONTEXT))
  const userTexts = fromUser.map(({ content }) => unwrap(content))
  return {
    ...meta,
    model: wire.model,
    messages,
    tools: (wire.tools ?? []).map(tool => tool.function.name),
    userTexts,
    userText: userTexts.at(-1) ?? '',
    sessionKey: fromUser.map(({ content }) => RUNTIME_SESSION.exec(content)?.[1]).find(key => key !== undefined),
    toolResults: trailingToolResults(messages)
  }
}

function flatten(content: WireMessage['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text = '' }) => text).join('')
}

/** The words of the user without what the host put before and after them. */
function unwrap(content: string): string {
  return content.replace(TIME_PREFIX, '').replace(SENDER_BLOCK, '').replace(RUNTIME_LINE, '')
}

/** Results since the last thing that the model or a person said; the host's own context messages in between do not count. */
function trailingToolResults(messages: readonly ChatMessage[]): string[] {
  const results: string[] = []
  for (const { role, content } of messages.toReversed()) {
    if (role === 'tool') results.unshift(content)
    else if (role !== 'user' || !content.startsWith(INTERNAL_CONTEXT)) break
  }
  return results
}
