import type { Log } from '../mesh/ports.ts'
import { type LiveSettings, liveSettings, type Settings } from '../settings/index.ts'
import { resolveAccount } from './account-config.ts'
import type { HostConfig } from './host-types.ts'

/**
 * How often the configuration is looked at. The host publishes a change that needs no restart without telling anybody; looking is one comparison,
 * and a peer that was taken out of `allowFrom` should not be heard a second longer.
 */
const LOOK_MS = 500

export interface SettingsWatchComponents {
  /** The configuration in force; another object after each change. */
  config(): HostConfig
  log: Log
}

export interface SettingsWatchInit {
  /** Those that the account was started with. */
  settings: Settings
  onChange(live: LiveSettings): void
}

/** Follows the settings that need no restart. A configuration that is refused changes nothing, and is reported once. */
export class SettingsWatch {
  readonly #components: SettingsWatchComponents
  readonly #onChange: (live: LiveSettings) => void
  readonly #timer: NodeJS.Timeout
  #settings: Settings
  #seen: HostConfig | undefined
  #problem: string | undefined

  constructor(components: SettingsWatchComponents, init: SettingsWatchInit) {
    this.#components = components
    this.#onChange = init.onChange
    this.#settings = init.settings
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** The settings in force. */
  get settings(): Settings {
    return this.#settings
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Runs on the gateway's thread: a throw here would end the gateway. */
  #look(): void {
    try {
      const config = this.#components.config()
      if (config === this.#seen) return
      this.#seen = config
      this.#take(config)
    } catch (error) {
      this.#components.log.error(`The configuration could not be read: ${String(error)}`)
    }
  }

  #take(config: HostConfig): void {
    const { settings, problem } = resolveAccount(config)
    if (problem !== undefined && problem !== this.#problem) {
      this.#components.log.error(`Settings refused, those before stay in force: ${problem}`)
    }
    this.#problem = problem
    if (settings === undefined) return
    const live = liveSettings(settings)
    if (JSON.stringify(live) === JSON.stringify(liveSettings(this.#settings))) return
    this.#settings = { ...this.#settings, ...live }
    this.#onChange(live)
  }
}
