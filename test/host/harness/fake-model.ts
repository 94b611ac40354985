import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type ChatMessage, type ModelRequest, readRequest } from './model-request.ts'

export interface ToolCall {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

/** What the model says: a text at once, a text piece by piece (a generator may wait in between), or tool calls. */
export type ModelReply =
  | { readonly text: string }
  | { readonly pieces: Iterable<string> | AsyncIterable<string> }
  | { readonly toolCalls: readonly ToolCall[] }

/** Decides one reply; it may wait as long as it likes, `request.signal` tells when the host has hung up. */
export type ModelScript = (request: ModelRequest) => ModelReply | Promise<ModelReply>

/** A chat-completions server on 127.0.0.1 with the smallest dialect that OpenClaw's `openai-completions` client needs. */
export interface FakeModel extends AsyncDisposable {
  /** To be used as `baseUrl` of a provider. */
  readonly url: string
  /** Every request so far, oldest first. */
  readonly requests: readonly ModelRequest[]
  /** Replaces the script; requests that are already waiting keep the old one. */
  reply(script: ModelScript): void
  /** Resolves with the first request, past or future, that `test` accepts. Rejects after `timeoutMs`. */
  waitFor(test: (request: ModelRequest) => boolean, options?: { timeoutMs?: number }): Promise<ModelRequest>
}

/** A turn in a busy gateway took up to 8 s before its first model request. */
const WAIT_LIMIT_MS = 30_000

export async function startFakeModel(script: ModelScript = () => ({ text: 'ok' })): Promise<FakeModel> {
  const requests: ModelRequest[] = []
  const watchers = new Set<(request: ModelRequest) => void>()
  let current = script

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { message: String(error) } }))
    })
  })

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const abort = new AbortController()
    const body = await readBody(incoming)
    if (incoming.method !== 'POST' || !incoming.url?.endsWith('/chat/completions')) {
      response.writeHead(404).end()
      return
    }
    const request = readRequest(body, { index: requests.length, at: Date.now(), signal: abort.signal })
    response.on('close', () => {
      if (!response.writableFinished) abort.abort()
    })
    requests.push(request)
    for (const watcher of watchers) watcher(request)
    const reply = await current(request)
    if (abort.signal.aborted) return
    await write(response, reply, request.model, abort.signal)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the fake model has no port')

  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    requests,
    reply(next) {
      current = next
    },
    async waitFor(test, { timeoutMs = WAIT_LIMIT_MS } = {}) {
      const known = requests.find(test)
      if (known !== undefined) return known
      const { promise, resolve, reject } = Promise.withResolvers<ModelRequest>()
      const watcher = (request: ModelRequest): void => {
        if (test(request)) resolve(request)
      }
      const timer = setTimeout(() => reject(new Error(`no such model request within ${timeoutMs} ms`)), timeoutMs)
      watchers.add(watcher)
      try {
        return await promise
      } finally {
        clearTimeout(timer)
        watchers.delete(watcher)
      }
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await ended
    }
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  let text = ''
  incoming.setEncoding('utf8')
  for await (const piece of incoming) text += piece
  return text
}

async function write(response: ServerResponse, reply: ModelReply, model: string, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const send = (delta: Partial<ChatMessage> & { tool_calls?: unknown }, finish: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    response.write(
      `data: ${JSON.stringify({ id: 'chat-1', object: 'chat.completion.chunk', created: 0, model, choices })}\n\n`
    )
  }
  send({ role: 'assistant', content: '' })
  if ('toolCalls' in reply) {
    const calls = reply.toolCalls.map(({ name, args }, index) => ({
      index,
      // Ids must differ within a session, which the host sends back whole each time.
      id: `call_${crypto.randomUUID()}`,
      type: 'function',
      function: { name, arguments: JSON.stringify(args) }
    }))
    send({ tool_calls: calls })
    send({}, 'tool_calls')
  } else {
    for await (const piece of 'text' in reply ? [reply.text] : reply.pieces) {
      if (signal.aborted) return
      send({ content: piece })
    }
    send({}, 'stop')
  }
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  response.write(
    `data: ${JSON.stringify({ id: 'chat-1', object: 'chat.completion.chunk', created: 0, model, choices: [], usage })}\n\n`
  )
  response.end('data: [DONE]\n\n')
}
