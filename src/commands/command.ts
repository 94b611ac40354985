import type { ControlClient } from '../control/client.ts'
import type { Output } from './output.ts'

/** How a command ended: done, refused or failed, wrong use, accepted but not done yet. */
export const EXIT = { done: 0, failed: 1, usage: 2, pending: 3 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface Positional<Name extends string = string> {
  name: Name
  description: string
  /** The only words allowed. */
  values?: readonly string[]
  /** Stands for it where it is left out; only the last ones can be. */
  default?: string
}

/** One option, as `parseArgs` of node:util takes it, and what people and checks need besides. */
export interface Option {
  type: 'string' | 'boolean'
  short?: string
  description: string
  /** What stands for the value in help. */
  placeholder?: string
  /** The only values allowed. */
  values?: readonly string[]
  /** The value is a whole number in this range. */
  range?: readonly [min: number, max: number]
  default?: string
}

export type Options = Readonly<Record<string, Option>>

/** Options by name: a switch is always there, a value may be missing unless it has a default. */
export type OptionValues<O extends Options> = {
  readonly [Name in keyof O]: OptionValue<O[Name]>
}

/** Of an option whose definition is known; any value for one that is not. */
type OptionValue<O extends Option> = Option extends O
  ? string | boolean | undefined
  : O['type'] extends 'boolean'
    ? boolean
    : O extends { default: string }
      ? string
      : string | undefined

export interface CommandContext<Name extends string, O extends Options> {
  client: Pick<ControlClient, 'call'>
  /** One text per positional, empty only where that is its default. */
  args: Readonly<Record<Name, string>>
  options: OptionValues<O>
  out: Output
  /** All of standard input as text, up to `maxBytes`; UsageError when it is longer or not UTF-8. */
  input(maxBytes: number): Promise<string>
  /** Starts every command line that is given as advice, for example `openclaw p2p`. */
  program: string
  signal?: AbortSignal
}

/** One question to a running mesh, the same in every host: words in, text or JSON and an exit code out. */
export interface Command<Name extends string = string, O extends Options = Options> {
  name: string
  /** One line, for the list of commands. */
  summary: string
  /** A call that works, without the program's name. */
  example: string
  positionals: readonly Positional<Name>[]
  options: O
  run(context: CommandContext<Name, O>): Promise<ExitCode>
}

/** Checks a command's definition against its own `run`; hosts see all of them as `Command`. */
export function defineCommand<const Name extends string, const O extends Options>(command: Command<Name, O>): Command {
  return command
}

/** Every command has it: the result as one JSON document with the shape of its control method. */
export const jsonOption = { type: 'boolean', description: 'Print the result as JSON.' } as const satisfies Option
