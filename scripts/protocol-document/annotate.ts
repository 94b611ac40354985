interface FieldOf {
  name: string
  type: string
}

/** Message name -> field number -> field, as mesh.proto declares them. */
export type Messages = ReadonlyMap<string, ReadonlyMap<number, FieldOf>>

/** Words for the numbers of a field, by `Message.field`. */
export type Names = Readonly<Record<string, Readonly<Record<number, string>>>>

/** Bytes per line of a long value. */
const LINE_BYTES = 32

/** Bytes that hold another message although the proto calls them bytes. */
const INSIDE: Readonly<Record<string, string>> = { 'Envelope.signed': 'Signed' }

/** Bytes that are a text. */
const TEXTS = new Set(['Signed.plain'])

export function messagesOf(proto: string): Messages {
  const messages = new Map<string, Map<number, FieldOf>>()
  for (const [, name = '', body = ''] of proto.matchAll(/^message (\w+) \{\n(.*?)^\}/gms)) {
    const fields = [...body.matchAll(/^\s*(?:repeated )?(\w+) (\w+) = (\d+)/gm)]
    messages.set(
      name,
      new Map(fields.map(([, type = '', field = '', number]) => [Number(number), { name: field, type }]))
    )
  }
  return messages
}

/**
 * Every byte of a frame as it stands on a stream, a field to a line: the bytes, then `;` and what they mean. What stands before the `;` of all
 * lines is the frame.
 */
export function annotated(bytes: Uint8Array, messages: Messages, names: Names): string[] {
  const prefix = varintAt(bytes, 0)
  const head = line(0, [hexOf(bytes.subarray(0, prefix.next))], `length of the frame: ${prefix.value}`)
  return [...head, ...fieldsOf(bytes.subarray(prefix.next), 'Frame', 0, { messages, names })]
}

function fieldsOf(
  bytes: Uint8Array,
  message: string,
  depth: number,
  how: { messages: Messages; names: Names }
): string[] {
  const lines: string[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = varintAt(bytes, at)
    const field = how.messages.get(message)?.get(tag.value >> 3)
    if (field === undefined) throw new Error(`${message} has no field ${tag.value >> 3}`)
    const path = `${message}.${field.name}`
    const value = varintAt(bytes, tag.next)
    const head = [hexOf(bytes.subarray(at, tag.next)), hexOf(bytes.subarray(tag.next, value.next))]
    if ((tag.value & 7) === 0) {
      const word = how.names[path]?.[value.value]
      lines.push(...line(depth, head, `${field.name} = ${value.value}${word === undefined ? '' : `, ${word}`}`))
      at = value.next
      continue
    }
    const inner = bytes.subarray(value.next, value.next + value.value)
    at = value.next + value.value
    const type = INSIDE[path] ?? field.type
    if (how.messages.has(type)) {
      lines.push(...line(depth, head, `${field.name}: ${type}, ${inner.length} bytes`))
      lines.push(...fieldsOf(inner, type, depth + 1, how))
    } else {
      lines.push(...line(depth, [...head, ...chunksOf(inner)], meaningOf(inner, field, path)))
    }
  }
  return lines
}

function meaningOf(bytes: Uint8Array, { name, type }: FieldOf, path: string): string {
  if (type === 'string' || TEXTS.has(path)) return `${name} = "${new TextDecoder().decode(bytes)}"`
  return `${name}, ${bytes.length} bytes`
}

/** The head and the first piece on one line, the other pieces below it. */
function line(depth: number, [tag = '', length = '', first = '', ...rest]: string[], meaning: string): string[] {
  const indent = '  '.repeat(depth)
  const own = [tag, length, first].filter(part => part !== '').join(' ')
  return [`${indent}${own}  ; ${meaning}`, ...rest.map(part => `${indent}      ${part}`)]
}

function chunksOf(bytes: Uint8Array): string[] {
  const count = Math.ceil(bytes.length / LINE_BYTES)
  return Array.from({ length: count }, (_, i) => hexOf(bytes.subarray(i * LINE_BYTES, (i + 1) * LINE_BYTES)))
}

function varintAt(bytes: Uint8Array, start: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  for (let at = start; ; at++) {
    const byte = bytes[at]
    if (byte === undefined) throw new Error('the bytes end inside a number')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, next: at + 1 }
    scale *= 0x80
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
