/** A constant as its source file writes it. */
export interface Constant {
  value: number
  /** The comment above it, on one line; constants of one paragraph share theirs. */
  reason: string
}

/** What the value of a limit may be written with; anything else is not a number that a document could name. */
const ARITHMETIC = /^[\w\s.*+\-/():{},]+$/

/** Reads one constant out of a source file. `known` holds the values of the limits that its expression may name. */
export function constantOf(source: string, name: string, known: ReadonlyMap<string, number>): Constant {
  const [base = '', member] = name.split('.')
  const lines = source.split('\n')
  const at = lines.findIndex(line => new RegExp(`^(?:export )?const ${base}(?:: \\w+)? =`).test(line))
  const expression = /=\s*(.*)$/.exec(lines[at] ?? '')?.[1]
  if (expression === undefined) throw new Error(`there is no constant ${base} in this file`)
  const names = new Map([...known, ...localsOf(expression, lines, known)])
  const whole = evaluated(expression, names)
  const value = member === undefined ? whole : (whole as Record<string, unknown>)[member]
  if (typeof value !== 'number') throw new Error(`${name} is no number`)
  return { value, reason: reasonAbove(lines, at) }
}

/** Constants of the same file that the expression names. */
function localsOf(expression: string, lines: string[], known: ReadonlyMap<string, number>): [string, number][] {
  const names = expression.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []
  return names
    .filter(name => !known.has(name))
    .map(name => [name, constantOf(lines.join('\n'), name, known).value] as [string, number])
}

function evaluated(expression: string, names: ReadonlyMap<string, number>): unknown {
  if (!ARITHMETIC.test(expression)) throw new Error(`not arithmetic: ${expression}`)
  return new Function(...names.keys(), `return (${expression})`)(...names.values())
}

function reasonAbove(lines: string[], at: number): string {
  let end = at - 1
  while (end >= 0 && /^(?:export )?const /.test(lines[end] ?? '')) end--
  if (!lines[end]?.trimEnd().endsWith('*/')) throw new Error(`no reason stands above "${lines[at]}"`)
  let start = end
  while (!lines[start]?.trimStart().startsWith('/**')) start--
  return lines
    .slice(start, end + 1)
    .map(line => line.replace(/^\s*(?:\/\*\*|\*\/|\*)\s?|\s*\*\/\s*$/g, '').trim())
    .filter(line => line !== '')
    .join(' ')
}
