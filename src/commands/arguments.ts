import { parseArgs } from 'node:util'
import { safe } from '../protocol/index.ts'
import { type Command, jsonOption, type Option, type Options, type Positional } from './command.ts'

/** The command line is wrong; the message is the whole sentence for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What stands on a command line, not checked yet. */
export interface RawArguments {
  args: readonly string[]
  options: Readonly<Record<string, string | boolean | undefined>>
}

/** Every value of each option, for those that may be given again. */
export type RepeatedValues = Readonly<Record<string, readonly (string | boolean)[] | undefined>>

export interface CheckedArguments {
  args: Record<string, string>
  options: Record<string, string | boolean | undefined>
  json: boolean
}

/** Takes words and options apart; UsageError for an option that does not exist or misses its value. */
export function readArguments(
  name: string,
  known: Options,
  argv: readonly string[]
): RawArguments & { every: RepeatedValues } {
  const parsed = parseArgs({
    args: [...argv],
    options: describe(known),
    strict: false,
    allowPositionals: true,
    tokens: true
  })
  const args: string[] = []
  const every: Record<string, (string | boolean)[]> = {}
  for (const token of parsed.tokens) {
    if (token.kind === 'positional') args.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined
    if (option === undefined) throw new UsageError(`${name} has no option ${safe(token.rawName)}.`)
    const value = optionValue(token.rawName, option, token.value, token.inlineValue === true)
    every[token.name] = [...(every[token.name] ?? []), value]
  }
  const options = Object.fromEntries(Object.entries(every).map(([key, values]) => [key, values.at(-1)]))
  return { args, options, every }
}

function describe(options: Options): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }])
  )
}

function optionValue(rawName: string, option: Option, value: string | undefined, inline: boolean): string | boolean {
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`${rawName} is a switch and takes no value.`)
    return true
  }
  // The next option is no value: `--wait --json` has forgotten one.
  if (value === undefined || (!inline && value.startsWith('-') && value !== '-')) {
    throw new UsageError(`${rawName} needs a value: ${expectation(option)}.`)
  }
  return value
}

/** Checks words and options against the command's definition and fills in defaults; UsageError names the first that is wrong. */
export function checkArguments(command: Command, raw: RawArguments): CheckedArguments {
  return { args: checkPositionals(command, raw.args), ...checkOptions(command, raw.options) }
}

function checkPositionals(command: Command, given: readonly string[]): Record<string, string> {
  const { name, positionals } = command
  const args: Record<string, string> = {}
  for (const [index, positional] of positionals.entries()) {
    const value = given[index]
    if (value === undefined && positional.default !== undefined) {
      args[positional.name] = positional.default
      continue
    }
    if (value === undefined) throw new UsageError(`${name} needs <${positional.name}>: ${positional.description}.`)
    if (value === '') throw new UsageError(`<${positional.name}> of ${name} is empty: ${positional.description}.`)
    checkValue(`<${positional.name}>`, value, positional.values)
    args[positional.name] = value
  }
  if (given.length > positionals.length) {
    const takes = positionals.map(wordOf).join(' ') || 'no words'
    throw new UsageError(
      `${name} takes ${takes}, and "${safe(given[positionals.length] ?? '')}" is one word too many; put a text with spaces in quotes.`
    )
  }
  return args
}

/** A positional as help and errors write it. */
export function wordOf({ name, default: fallback }: Positional): string {
  return fallback === undefined ? `<${name}>` : `[${name}]`
}

function checkOptions(
  command: Command,
  given: RawArguments['options']
): { options: CheckedArguments['options']; json: boolean } {
  const options: CheckedArguments['options'] = {}
  for (const [name, option] of Object.entries(command.options)) {
    const value = given[name] ?? option.default
    if (option.type === 'boolean') options[name] = value === true
    else if (value !== undefined) options[name] = checkOption(`--${name}`, option, String(value))
  }
  return { options, json: given['json'] === true }
}

function checkOption(label: string, option: Option, value: string): string {
  checkValue(label, value, option.values)
  if (option.range !== undefined) {
    const [min, max] = option.range
    const wrong = !/^\d{1,15}$/.test(value) || Number(value) < min || Number(value) > max
    if (wrong) throw new UsageError(`${label} is "${safe(value)}": expected ${expectation(option)}.`)
  }
  return value
}

function checkValue(label: string, value: string, values: readonly string[] | undefined): void {
  if (values?.includes(value) === false)
    throw new UsageError(`${label} is "${safe(value)}": expected ${oneOf(values)}.`)
}

function expectation(option: Option): string {
  if (option.values !== undefined) return oneOf(option.values)
  if (option.range !== undefined) return `a whole number from ${option.range[0]} to ${option.range[1]}`
  return option.placeholder ?? 'a text'
}

function oneOf(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

/** The options of a command with those that every command has. */
export function allOptions(command: Command, hostOptions: Options = {}): Options {
  return { ...command.options, json: jsonOption, ...hostOptions }
}
