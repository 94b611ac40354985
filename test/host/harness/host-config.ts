/** A JSON object of the host's configuration file. */
export type HostConfig = { readonly [key: string]: unknown }

export interface HostConfigInit {
  readonly port: number
  readonly token: string
  readonly logFile: string
  readonly workspace: string
  /** `baseUrl` of the model server. */
  readonly modelUrl: string
  /** Plugins to load in place: folder and manifest id. */
  readonly plugins: ReadonlyArray<{ readonly path: string; readonly id: string }>
}

const MODEL_REF = 'fake/fake-1'

/** The smallest configuration of a gateway that talks to nobody but the fake model and its own plugins. */
export function headlessConfig({ port, token, logFile, workspace, modelUrl, plugins }: HostConfigInit): HostConfig {
  return {
    gateway: { mode: 'local', port, bind: 'loopback', auth: { mode: 'token', token } },
    discovery: { mdns: { mode: 'off' } },
    cron: { enabled: false },
    update: { checkOnStart: false },
    logging: { file: logFile },
    agents: { defaults: { model: { primary: MODEL_REF }, skipBootstrap: true, workspace } },
    models: {
      mode: 'merge',
      // Otherwise the host asks a server on the internet for models at every start.
      catalogRefresh: { enabled: false },
      providers: {
        fake: {
          baseUrl: modelUrl,
          apiKey: 'fake',
          api: 'openai-completions',
          models: [
            {
              id: 'fake-1',
              name: 'fake-1',
              reasoning: false,
              input: ['text'],
              cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
              contextWindow: 128_000,
              maxTokens: 4_096
            }
          ]
        }
      }
    },
    plugins: {
      load: { paths: plugins.map(({ path }) => path) },
      // A plugin that was not installed is loaded only when its entry says so.
      entries: Object.fromEntries(plugins.map(({ id }) => [id, { enabled: true }]))
    }
  }
}

/** `patch` laid over `base`: objects are merged, everything else (arrays too) is replaced, `undefined` removes a key. */
export function mergeConfig(base: HostConfig, patch: HostConfig): HostConfig {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    const old = merged[key]
    if (value === undefined) delete merged[key]
    else if (isObject(old) && isObject(value)) merged[key] = mergeConfig(old, value)
    else merged[key] = value
  }
  return merged
}

function isObject(value: unknown): value is HostConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
