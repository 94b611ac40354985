import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import { connectControl } from '../../src/control/socket.ts'
import { type BareNode, startBareNode } from './harness/bare-node.ts'
import type { ModelScript } from './harness/fake-model.ts'
import { GatewayCallError } from './harness/gateway-client.ts'
import { createSandbox, type Sandbox } from './harness/sandbox.ts'
import { type Journaled, type MeshGateway, pair, startMeshGateway, until } from './mesh-gateway.ts'

/** Messages of each of two senders; what one peer may cost within an hour has room for these and for two repetitions. */
const EACH = 10

/** How far each sender's conversation gets before the kill, which meets the next one half done. */
const BEFORE = 4

/** Accepted by the sender while the receiver is down. */
const WHILE_DOWN = 3

/** The host runs interrupted turns again one after the other, some time after its start: minutes where other work fills the machine. */
const TURNS_LIMIT_MS = 600_000

/** Names an error of the host that says so. */
const HOST_BUSY = 'StateDatabaseCoordinatorContentionError'

interface Peer extends BareNode {
  control: ControlClient
}

let sandbox: Sandbox
let senders: [Peer, Peer]
let friend: BareNode
/** A file of a question's topic in here lets the friend answer it. */
let answers: string

beforeAll(async () => {
  sandbox = await createSandbox('mesh-kill')
  answers = await sandbox.folder('answers')
  const [ann, ben, other] = await Promise.all([
    startPeer('ann'),
    startPeer('ben'),
    startBareNode(sandbox, 'friend', { replyCommand: [process.execPath, '-e', ANSWER, answers] })
  ])
  senders = [ann, ben]
  friend = other
})

afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
})

/** Reply command of the friend: waits until it may answer. */
const ANSWER = `
const { existsSync, readFileSync } = require('node:fs')
const topic = readFileSync(0, 'utf8').match(/about (\\w+)/)[1]
const timer = setInterval(() => {
  if (!existsSync(process.argv[1] + '/' + topic)) return
  clearInterval(timer)
  process.stdout.write('All about ' + topic)
}, 50)`

async function startPeer(name: string): Promise<Peer> {
  const node = await startBareNode(sandbox, name)
  const control = await connectControl(await sandbox.folder(name, 'state'))
  sandbox.defer(async () => await control.close())
  return { ...node, control }
}

/** Sends by each sender, one after the other; waits for no receipt. Resolves with their ids. */
async function accept(target: string, what: string, from: number, to: number): Promise<string[]> {
  const sent = senders.map(async ({ control }, index) => {
    const ids: string[] = []
    for (let n = from; n <= to; n++) {
      const { id } = await control.call('send', { target, text: `${what} ${index}.${n}`, timeoutMs: 0 })
      ids.push(id)
    }
    return ids
  })
  return (await Promise.all(sent)).flat()
}

/** `what 0.1`, `what 0.2` and so on, of all senders. */
function texts(what: string, from = 1, to = EACH): string[] {
  return senders.flatMap((_, index) =>
    Array.from({ length: to - from + 1 }, (_each, n) => `${what} ${index}.${from + n}`)
  )
}

// A gateway of its own for each part, because three unclean ends within five minutes keep all channels of one down.
describe('kill -9 of the receiving gateway', () => {
  let receiver: MeshGateway
  let target: string

  beforeAll(async () => {
    receiver = await startMeshGateway(sandbox, {
      name: 'receiver',
      settings: { bootstrapList: senders.map(({ addresses }) => addresses[0]) }
    })
    for (const sender of senders) await pair(receiver, sender)
    target = (await receiver.mesh<{ peerId: string }>('status')).peerId
  })

  it('R-02: with 20 messages for its agent under way: each has its turn and its one answer, in order; only the two turns that were cut off begin again', async () => {
    const { model } = receiver
    const hang = Promise.withResolvers<never>()
    const questionIn = (text: string): string => /question \d\.\d+/.exec(text)?.[0] ?? ''
    const numberOf = (question: string): number => Number(question.split('.')[1])
    model.reply(async ({ userText }) => {
      const question = questionIn(userText)
      return numberOf(question) <= BEFORE ? { text: `answer to ${question}` } : await hang.promise
    })
    const cutOff = texts('question', BEFORE + 1, BEFORE + 1)
    await accept(target, 'question', 1, EACH - WHILE_DOWN)
    for (const question of cutOff) await model.waitFor(({ userText }) => questionIn(userText) === question)
    await receiver.gateway.kill9()
    const before = model.requests.length
    await accept(target, 'question', EACH - WHILE_DOWN + 1, EACH)
    model.reply(({ userText }) => ({ text: `answer to ${questionIn(userText)}` }))
    await receiver.gateway.start()

    const heard = ({ events }: BareNode): unknown[] =>
      events.filter(({ event }) => event === 'message').map(({ text }) => text)
    for (const [index, sender] of senders.entries())
      await sender.waitFor(({ event, text }) => event === 'message' && text === `answer to question ${index}.${EACH}`)
    expect(senders.flatMap(heard)).toEqual(texts('answer to question'))
    const turns = model.requests.map(({ userText }) => questionIn(userText))
    expect(turns.slice(0, before).toSorted()).toEqual(texts('question', 1, BEFORE + 1).toSorted())
    expect(turns.slice(before).toSorted()).toEqual(texts('question', BEFORE + 1, EACH).toSorted())
    for (const { tools } of model.requests) expect(tools).toEqual([])
    for (const { control } of senders) expect((await control.call('outbox', { limit: 1 })).counts.waiting).toBe(0)
  })

  it('R-02: with 20 messages for another channel under way: each is shown, and only the two that it took without a word once more, with a mark', async () => {
    const shown = async (): Promise<Journaled[]> => (await receiver.journal()).filter(({ event }) => event === 'sent')
    const wordsOf = ({ text }: Journaled): string => text.split('\n').at(-1) ?? ''
    const from = receiver.gateway.log().length
    await receiver.gateway.configure({
      channels: { 'libp2p-mesh': { inboundChannel: 'fakechat', inboundTarget: 'owner' } }
    })
    await receiver.gateway.waitForLog(/Node started\. Peer ID: /, { from })
    await accept(target, 'news', 1, BEFORE)
    await until('the first of them', async () => ((await shown()).length === 2 * BEFORE ? true : undefined))
    await receiver.gateway.rpc('fakechat.mode', { mode: 'silent' })
    const later = await accept(target, 'news', BEFORE + 1, EACH - WHILE_DOWN)
    await until('two that are shown without a word', async () =>
      (await shown()).length === 2 * BEFORE + 2 ? true : undefined
    )
    await receiver.gateway.kill9()
    await accept(target, 'news', EACH - WHILE_DOWN + 1, EACH)
    await receiver.gateway.start()

    const all = await until('all of them', async () => {
      const rows = await shown()
      return new Set(rows.map(wordsOf)).size === 2 * EACH ? rows : undefined
    })
    const cutOff = texts('news', BEFORE + 1, BEFORE + 1)
    expect(all.map(wordsOf).toSorted()).toEqual([...texts('news'), ...cutOff].toSorted())
    const marked = all.filter(({ text }) => text.includes('may be a repetition of message'))
    expect(marked.map(wordsOf).toSorted()).toEqual(cutOff)
    for (const { text } of marked) expect(later.some(id => text.includes(id))).toBe(true)
    for (const index of senders.keys()) {
      const own = all.filter(row => wordsOf(row).startsWith(`news ${index}.`) && !marked.includes(row)).map(wordsOf)
      expect(own).toEqual(texts('news').filter(text => text.startsWith(`news ${index}.`)))
    }
    expect(receiver.model.requests).toHaveLength(2 * EACH + 2)
  })
})

describe('kill -9 of the gateway that asks', () => {
  let asker: MeshGateway

  beforeAll(async () => {
    asker = await startMeshGateway(sandbox, { name: 'asker', settings: { bootstrapList: [friend.addresses[0]] } })
    await pair(asker, friend)
  })

  it(
    'R-01: while two sessions wait for an answer: nothing is lost or sent twice by the turns that the host runs again, and each session is told its answer',
    async () => {
      const { model, gateway } = asker
      /** Asks the friend about the topic of the session, until a call has had its result. */
      const ask =
        (more: Record<string, unknown>): ModelScript =>
        ({ userTexts, toolResults }) => {
          const topic = /about (\w+)/.exec(userTexts.join('\n'))?.[1]
          if (toolResults.some(result => /^(Answered|Delivered|Received|Pending)/.test(result))) return { text: 'done' }
          const args = {
            instanceId: friend.instanceId,
            message: `Tell me about ${topic}`,
            waitFor: 'answered',
            ...more
          }
          return { toolCalls: [{ name: 'p2p_send_instance_message', args }] }
        }
      /** A person writes; and again where the host, busy with its own database for a while after its start, did not take it. */
      const human = async (from: string, text: string): Promise<{ replies: string[] }> =>
        await until(
          `a turn of ${from}`,
          async () => {
            const turn = gateway.rpc('fakechat.inject', { from, text }, { timeoutMs: 120_000 })
            return await (turn as Promise<{ replies: string[] }>).catch((error: unknown) => {
              if (error instanceof GatewayCallError && error.message.includes(HOST_BUSY)) return undefined
              throw error
            })
          },
          60_000
        )
      const questions = (topic: string): unknown[] =>
        friend.events.filter(({ event, text }) => event === 'message' && text === `Tell me about ${topic}`)
      const resultAbout = (topic: string): string | undefined =>
        model.requests
          .slice(before)
          .filter(({ userTexts }) => userTexts.some(text => text.includes(`about ${topic}`)))
          .flatMap(({ toolResults }) => toolResults)
          .find(result => /^(Answered|Delivered|Received|Pending)/.test(result))

      for (const from of ['anna', 'bert']) await human(from, 'Hello')
      model.reply(ask({}))
      const turns: Promise<unknown>[] = []
      for (const [from, topic] of [
        ['anna', 'tea'],
        ['bert', 'milk']
      ] as const) {
        const turn = human(from, `Ask about ${topic}`)
        turns.push(turn)
        const asked = friend.waitFor(({ event, text }) => event === 'message' && text === `Tell me about ${topic}`)
        await Promise.race([asked, turn.then(() => expect.fail('the turn ended without its answer'))])
      }
      const cut = Promise.allSettled(turns)
      await gateway.kill9()
      await cut
      const before = model.requests.length
      // One answer comes while nobody is there to hear it, the other one when its session has gone on.
      await writeFile(join(answers, 'milk'), '')
      model.reply(ask({ timeoutMs: 1_000 }))
      await gateway.start()

      for (const to of ['anna', 'bert']) {
        await until(
          `the end of the turn of ${to}`,
          async () => (await asker.journal()).find(row => row.event === 'sent' && row.to === to && row.text === 'done'),
          120_000
        )
      }
      const [tea, milk] = ['tea', 'milk'].map(resultAbout)
      expect(milk).toMatch(/^Answered by .* This call had already been made: nothing was sent twice\./)
      expect(milk).toContain('\n> All about milk\n')
      expect(tea).toMatch(/^Delivered by .* The answer will come by itself; do not send it again\. This call had/)
      const [id = ''] = /(?<=message )[0-9a-f]{32}/.exec(tea ?? '') ?? []

      await writeFile(join(answers, 'tea'), '')
      await until('the answer about tea', async () =>
        (await asker.mesh<{ state: string }>('message', { id })).state === 'answered' ? true : undefined
      )
      const fingerprint = friend.instanceId.slice(friend.instanceId.indexOf('@') + 1)
      const sentence = `libp2p-mesh: message ${id} to instance ${fingerprint} is now answered. See p2p_message_status.`
      const heard: string[] = []
      model.reply(({ messages, toolResults }) => {
        heard.push(
          ...messages.map(({ content }) => content).filter(content => content.includes('libp2p-mesh: message'))
        )
        if (toolResults.length > 0) return { text: toolResults.join('\n') }
        return { toolCalls: [{ name: 'p2p_message_status', args: { id } }] }
      })
      const { replies } = await until('the sentence in the session that asked', async () => {
        const turn = await human('anna', 'Anything new?')
        return heard.length > 0 ? turn : undefined
      })
      for (const content of heard) expect(content.split(sentence)).toHaveLength(2)
      expect(replies.join('\n')).toContain(`Message ${id} to ${friend.instanceId} is answered.`)
      expect(replies.join('\n')).toContain('> All about tea')
      expect([questions('tea').length, questions('milk').length]).toEqual([1, 1])
    },
    TURNS_LIMIT_MS
  )
})
