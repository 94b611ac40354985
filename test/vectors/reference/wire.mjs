import { readFileSync } from 'node:fs'

/** Sections 3.1 and 3.2 of docs/protocol.md: frames, and protobuf read strictly. The schema is read out of Appendix A. */

const DOCUMENT = new URL('../../../docs/protocol.md', import.meta.url)

const VARINT_TYPES = { bool: 1, uint32: 2 ** 32 - 1, uint64: Number.MAX_SAFE_INTEGER }
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that had to be refused, with a code of section 15.2. */
export class Refusal extends Error {
  constructor(code) {
    super(code)
    this.code = code
  }
}

export function demand(condition, code) {
  if (!condition) throw new Refusal(code)
}

const schema = schemaOf(/```proto\n(.*?)```/s.exec(readFileSync(DOCUMENT, 'utf8'))[1])

/** Message name -> field number -> { name, type, repeated, choice }. */
function schemaOf(proto) {
  const messages = {}
  let message
  let choice = false
  for (const line of proto.split('\n')) {
    const opened = /^message (\w+)/.exec(line)
    const field = /^\s+(repeated )?(\w+) (\w+) = (\d+)/.exec(line)
    if (opened) message = messages[opened[1]] = {}
    else if (/^\s+oneof /.test(line)) choice = true
    else if (/^\s+\}/.test(line)) choice = false
    else if (field) message[field[4]] = { name: camel(field[3]), type: field[2], repeated: Boolean(field[1]), choice }
  }
  return messages
}

function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())
}

/**
 * Reads one message. Fields that are not there are absent from the result; repeated ones are arrays. `unknown` tells whether there were others.
 */
export function readMessage(type, bytes, code) {
  const values = {}
  const fields = schema[type]
  for (const one of Object.values(fields)) if (one.repeated) values[one.name] = []
  const state = { at: 0, unknown: false, chosen: false }
  while (state.at < bytes.length) readField(bytes, state, fields, values, code)
  return { values, unknown: state.unknown }
}

function readField(bytes, state, fields, values, code) {
  const tag = readVarint(bytes, state, 2 ** 32 - 1, code)
  const number = Math.floor(tag / 8)
  const wireType = tag % 8
  demand(number > 0, code)
  const field = fields[number]
  if (field === undefined) {
    state.unknown = true
    skip(bytes, state, wireType, code)
    return
  }
  demand(field.repeated || values[field.name] === undefined, code)
  demand(!field.choice || !state.chosen, code)
  state.chosen ||= field.choice
  const value = readValue(bytes, state, { field, wireType, code })
  if (field.repeated) values[field.name].push(value)
  else values[field.name] = value
}

function readValue(bytes, state, { field, wireType, code }) {
  const max = VARINT_TYPES[field.type]
  demand(wireType === (max === undefined ? 2 : 0), code)
  if (max !== undefined) {
    const value = readVarint(bytes, state, max, code)
    return field.type === 'bool' ? value === 1 : value
  }
  const length = readVarint(bytes, state, 2 ** 32 - 1, code)
  demand(length <= bytes.length - state.at, code)
  const value = bytes.subarray(state.at, state.at + length)
  state.at += length
  if (field.type === 'bytes') return value
  if (field.type === 'string') return decodeText(value, code)
  return readMessage(field.type, value, code).values
}

export function decodeText(bytes, code) {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Refusal(code)
  }
}

function readVarint(bytes, state, max, code) {
  let value = 0
  for (let scale = 1; ; scale *= 128) {
    demand(state.at < bytes.length && scale <= max, code)
    const byte = bytes[state.at++]
    value += (byte % 128) * scale
    demand(value <= max, code)
    if (byte < 128) {
      demand(byte > 0 || scale === 1, code)
      return value
    }
  }
}

function skip(bytes, state, wireType, code) {
  demand([0, 1, 2, 5].includes(wireType), code)
  if (wireType === 0) {
    const start = state.at
    do demand(state.at < bytes.length && state.at - start < 10, code)
    while (bytes[state.at++] >= 128)
    return
  }
  const length = wireType === 2 ? readVarint(bytes, state, 2 ** 32 - 1, code) : wireType === 1 ? 8 : 4
  demand(length <= bytes.length - state.at, code)
  state.at += length
}

/** Writes known fields in the order of their numbers and leaves out defaults, except in a choice. */
export function writeMessage(type, values) {
  const parts = []
  for (const [number, field] of Object.entries(schema[type])) {
    const value = values[field.name]
    const all = field.repeated ? (value ?? []) : [value]
    for (const one of all)
      if (field.repeated || field.choice || !isDefault(one)) parts.push(...written(number, field, one))
  }
  return Buffer.concat(parts)
}

function isDefault(value) {
  return value === undefined || value === 0 || value === false || value.length === 0
}

function written(number, { type }, value) {
  if (value === undefined) return []
  if (VARINT_TYPES[type] !== undefined) return [varint(number * 8), varint(Number(value))]
  const bytes = type === 'bytes' ? value : type === 'string' ? Buffer.from(value) : writeMessage(type, value)
  return [varint(number * 8 + 2), varint(bytes.length), bytes]
}

function varint(value) {
  const bytes = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

/** A frame as it stands on a stream. */
export function framed(bytes) {
  return Buffer.concat([varint(bytes.length), bytes])
}

/** Takes whole frames off the front of what was read; the rest is returned to be read on. */
export function unframed(bytes, maxBytes) {
  const frames = []
  let at = 0
  for (;;) {
    let length = 0
    let next = at
    for (let scale = 1; ; scale *= 128) {
      if (next === bytes.length) return { frames, rest: bytes.subarray(at) }
      const byte = bytes[next++]
      length += (byte % 128) * scale
      demand(length <= maxBytes && scale <= maxBytes, 'frame_too_large')
      if (byte >= 128) continue
      demand(byte > 0, 'frame_malformed')
      break
    }
    if (bytes.length - next < length) return { frames, rest: bytes.subarray(at) }
    frames.push(bytes.subarray(next, next + length))
    at = next + length
  }
}
