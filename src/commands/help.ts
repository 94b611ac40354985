import { allOptions, wordOf } from './arguments.ts'
import type { Command, Option, Options } from './command.ts'
import { fields, LINE_MAX_COLUMNS, widthOf } from './table.ts'

const INDENT = '  '

/** Help of one command: usage, what it does, its words, its options, one example. */
export function commandHelp(command: Command, program: string, hostOptions: Options = {}): string {
  const words = command.positionals.map(positional => ` ${wordOf(positional)}`).join('')
  return sections([
    [`Usage: ${program} ${command.name}${words} [options]`],
    [command.summary],
    indented(command.positionals.map(positional => [wordOf(positional), positional.description])),
    optionLines(allOptions(command, hostOptions)),
    example(program, command.example)
  ])
}

/** Lines about options, for hosts that have words of their own beside the commands. */
export function optionLines(options: Options): string[] {
  return indented(
    Object.entries(options).map(([name, option]) => [flags(name, option), option.description + extras(option)])
  )
}

export function indented(entries: readonly (readonly [string, string])[]): string[] {
  // Room for the indent is made by breaking lines a little earlier than they must.
  return fields(entries, /(?<=\s)/, LINE_MAX_COLUMNS - widthOf(INDENT)).map(line => INDENT + line)
}

export function example(program: string, line: string): string[] {
  return ['Example:', `${INDENT}${program} ${line}`]
}

export function sections(parts: readonly (readonly string[])[]): string {
  return `${parts
    .filter(part => part.length > 0)
    .map(part => part.join('\n'))
    .join('\n\n')}\n`
}

function flags(name: string, { short, type, placeholder }: Option): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${type === 'string' ? ` <${placeholder ?? 'text'}>` : ''}`
}

function extras({ values, default: fallback }: Option): string {
  const allowed = values === undefined ? '' : ` One of ${values.join(', ')}.`
  return allowed + (fallback === undefined ? '' : ` Default: ${fallback}.`)
}
