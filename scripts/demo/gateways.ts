import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type FakeModel, startFakeModel } from '../../test/host/harness/fake-model.ts'
import { createGateway, type Gateway } from '../../test/host/harness/gateway.ts'
import { createSandbox, type Sandbox } from '../../test/host/harness/sandbox.ts'
import { type DemoInit, type DemoMessage, type DemoSummary, stopwatch } from './summary.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
/** A second channel on which the owner reads, standing in for Feishu or Telegram. */
const OWNER_CHANNEL = join(CHECKOUT, 'test', 'fixtures', 'fakechat')
const MESH = 'libp2p-mesh'
/** A broadcast crosses loopback in milliseconds; the owner's channel takes some more. */
const SHOW_LIMIT_MS = 60_000
const CONNECT_LIMIT_MS = 120_000
const POLL_MS = 100
/** Of each send: the default is for people, and a first turn of a gateway on two busy cores takes longer. */
const WAIT_MS = 120_000
const TASK = 'Ask Ben what the answer is.'

interface Instance {
  gateway: Gateway
  model: FakeModel
  journal: string
  instanceId: string
  peerId: string
}

interface Status {
  instanceId: string
  peerId: string
  addresses: string[]
  peers: number
}

/** Two real gateways with the packed plugin, installed as users do. Everything stays on loopback and in one temporary folder. */
export async function runGatewayDemo({ print }: DemoInit): Promise<DemoSummary> {
  const say = stopwatch(print)
  await using sandbox = await createSandbox('mesh-demo')
  say('Packing the plugin')
  const tarball = await pack(sandbox)
  say('Installing it into two new OpenClaw instances, Anna and Ben, and starting both (a gateway takes 15-40 s)')
  const startedAt = performance.now()
  const [anna, ben] = await Promise.all([
    startInstance(sandbox, 'anna', tarball, say),
    startInstance(sandbox, 'ben', tarball, say)
  ])
  await using _models = models(anna, ben)
  const startMs = Math.round(performance.now() - startedAt)
  say(`Anna is ${anna.instanceId}`)
  say(`Ben  is ${ben.instanceId}`)

  say('Each owner admits the other: openclaw p2p approve <instance>; Anna gets one address of Ben as bootstrap')
  const { addresses } = await status(ben.gateway)
  await anna.gateway.configure({ channels: { [MESH]: { bootstrapList: addresses.slice(0, 1) } } })
  await Promise.all([approve(anna, ben.peerId), approve(ben, anna.peerId)])
  const peers = await connected(anna.gateway)

  const messages: DemoMessage[] = []
  const send = async (from: Instance, to: Instance, target: string, text: string): Promise<void> => {
    const result = JSON.parse(
      await mustRun(from.gateway, ['p2p', 'send', target, text, '--timeout', String(WAIT_MS), '--json'])
    ) as Omit<DemoMessage, 'from' | 'to'>
    messages.push({
      from: from.instanceId,
      to: to.instanceId,
      level: result.level,
      path: result.path,
      ms: Math.round(result.ms)
    })
    say(
      `${from.gateway.name} -> ${to.gateway.name}  "${text}"  ${result.level}, path ${result.path}, ${Math.round(result.ms)} ms`
    )
  }
  await send(anna, ben, ben.instanceId, 'Hello Ben, by instance id.')
  await send(ben, anna, anna.peerId, 'Hello Anna, by peer id.')

  say("Anna's agent looks who is there and asks Ben's agent, waiting for the answer")
  const asked = await askThroughAgents(anna, ben)
  messages.push(asked.message)
  for (const line of asked.lines) say(line)

  say('Anna broadcasts')
  const text = `News for all ${crypto.randomUUID().slice(0, 8)}`
  await mustRun(anna.gateway, ['p2p', 'broadcast', text])
  await shownToOwner(ben, text)
  say(`Ben's owner reads on the other channel: "${text}"`)

  const ok =
    messages.length === 3 &&
    messages.slice(0, 2).every(({ level }) => level === 'delivered') &&
    asked.message.level === 'answered'
  say(ok ? 'All of it worked. Stopping both gateways and removing everything' : 'Not all of it worked')
  await Promise.all([anna.gateway.sigterm(), ben.gateway.sigterm()])
  return { ok, messages, broadcast: { seen: 1 }, peers, startMs }
}

async function pack(sandbox: Sandbox): Promise<string> {
  const folder = await sandbox.folder('package')
  // dist/ was built by `prepare`; packing must not build again in the middle of somebody's work.
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder],
    { cwd: CHECKOUT }
  )
  return join(folder, stdout.trim().split('\n').at(-1) ?? '')
}

async function startInstance(
  sandbox: Sandbox,
  name: string,
  tarball: string,
  say: (text: string) => void
): Promise<Instance> {
  const model = await startFakeModel()
  const journal = join(await sandbox.folder(name), 'owner.jsonl')
  const gateway = await createGateway(sandbox, {
    name,
    modelUrl: model.url,
    tarballs: [tarball],
    pluginPaths: [OWNER_CHANNEL],
    channels: {
      // Nothing leaves loopback: no mDNS, no UPnP.
      [MESH]: { enabled: true, name, discovery: 'bootstrap', listenAddrs: ['/ip4/127.0.0.1/tcp/0'], enableUPnP: false },
      fakechat: { enabled: true, journal }
    },
    config: { commands: { ownerAllowFrom: ['fakechat:owner'] } },
    onProgress: say
  })
  await gateway.start()
  await gateway.waitForLog(/Node started\. Peer ID: /)
  const { instanceId, peerId } = await status(gateway)
  return { gateway, model, journal, instanceId, peerId }
}

function models(...instances: Instance[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const { model } of instances) await model[Symbol.asyncDispose]()
    }
  }
}

async function status(gateway: Gateway): Promise<Status> {
  return (await gateway.rpc(`${MESH}.status`)) as Status
}

async function approve(owner: Instance, peerId: string): Promise<void> {
  await mustRun(owner.gateway, ['p2p', 'approve', peerId])
}

async function connected(gateway: Gateway): Promise<number> {
  return await until(CONNECT_LIMIT_MS, 'the two instances did not connect', async () => {
    const { peers } = await status(gateway)
    return peers > 0 ? peers : undefined
  })
}

/** The fake model of Anna calls p2p_peers and then p2p_send_instance_message; Ben's answers what it is asked. */
async function askThroughAgents(anna: Instance, ben: Instance): Promise<{ message: DemoMessage; lines: string[] }> {
  const question = 'What is the answer to everything?'
  ben.model.reply(request => ({ text: request.userText.includes(question) ? 'Forty-two.' : 'I have read it.' }))
  const results: string[] = []
  anna.model.reply(request => {
    // Ben's greeting has started a turn of its own, which is offered no tool.
    if (!request.userText.includes(TASK)) return { text: 'Good to hear from you.' }
    results.push(...request.toolResults)
    if (results.length === 0) return { toolCalls: [{ name: 'p2p_peers', args: {} }] }
    if (results.length === 1)
      return {
        toolCalls: [
          {
            name: 'p2p_send_instance_message',
            args: { instanceId: ben.instanceId, message: question, waitFor: 'answered', timeoutMs: WAIT_MS }
          }
        ]
      }
    return { text: `Ben says: ${results[1]}` }
  })
  await mustRun(anna.gateway, ['agent', '--agent', 'main', '--message', TASK])
  const [peers = '', answer = ''] = results
  const took = /path (\w+) in (\d+) ms/.exec(answer)
  if (!answer.includes('Forty-two.') || took === null)
    throw new Error(`the agent got no answer:\n${results.join('\n')}`)
  const message = {
    from: anna.instanceId,
    to: ben.instanceId,
    level: 'answered',
    path: took[1] ?? null,
    ms: Number(took[2])
  }
  return {
    message,
    lines: [
      `p2p_peers says: ${peers.split('\n')[0]}`,
      `anna -> ben  "${question}"  answered "Forty-two.", path ${message.path}, ${message.ms} ms`
    ]
  }
}

async function shownToOwner({ journal }: Instance, text: string): Promise<void> {
  await until(SHOW_LIMIT_MS, 'the broadcast was not shown', async () => {
    const lines = await readFile(journal, 'utf8').catch(() => '')
    return lines.includes(text) ? true : undefined
  })
}

async function mustRun(gateway: Gateway, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await gateway.cli(args)
  if (code !== 0) throw new Error(`openclaw ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
  return stdout
}

async function until<T>(limitMs: number, failure: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(failure)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
