// Generated from mesh.proto by `npm run generate`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Frame {
  hello?: Hello
  envelope?: Envelope
  receipts?: Receipts
}

export namespace Frame {
  let _codec: Codec<Frame>

  export const codec = (): Codec<Frame> => {
    if (_codec == null) {
      _codec = message<Frame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.receipts != null) {
          obj.envelope = undefined
          obj.hello = undefined
        }

        if (obj.envelope != null) {
          obj.receipts = undefined
          obj.hello = undefined
        }

        if (obj.hello != null) {
          obj.receipts = undefined
          obj.envelope = undefined
        }

        if (obj.hello != null) {
          w.uint32(10)
          Hello.codec().encode(obj.hello, w)
        }

        if (obj.envelope != null) {
          w.uint32(18)
          Envelope.codec().encode(obj.envelope, w)
        }

        if (obj.receipts != null) {
          w.uint32(26)
          Receipts.codec().encode(obj.receipts, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.hello = Hello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 2: {
              obj.envelope = Envelope.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.envelope
              })
              break
            }
            case 3: {
              obj.receipts = Receipts.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.receipts
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.receipts != null) {
          delete obj.envelope
          delete obj.hello
        }

        if (obj.envelope != null) {
          delete obj.receipts
          delete obj.hello
        }

        if (obj.hello != null) {
          delete obj.receipts
          delete obj.envelope
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Hello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 2: {
              yield * Envelope.codec().stream(reader, reader.uint32(), `${prefix}.envelope`, {
                limits: opts.limits?.envelope
              })

              break
            }
            case 3: {
              yield * Receipts.codec().stream(reader, reader.uint32(), `${prefix}.receipts`, {
                limits: opts.limits?.receipts
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FrameHelloVersionFieldEvent {
    field: '$.hello.version'
    value: number
  }

  export interface FrameHelloKindsFieldEvent {
    field: '$.hello.kinds[]'
    index: number
    value: number
  }

  export interface FrameHelloMaxFrameBytesFieldEvent {
    field: '$.hello.maxFrameBytes'
    value: number
  }

  export interface FrameHelloEpochFieldEvent {
    field: '$.hello.epoch'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameHelloTimeMsFieldEvent {
    field: '$.hello.timeMs'
    value: number
  }

  export interface FrameHelloAdmittedFieldEvent {
    field: '$.hello.admitted'
    value: boolean
  }

  export interface FrameHelloLabelFieldEvent {
    field: '$.hello.label'
    value: string
  }

  export interface FrameEnvelopeSignedFieldEvent {
    field: '$.envelope.signed'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameEnvelopeSigFieldEvent {
    field: '$.envelope.sig'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameEnvelopeSidesFieldEvent {
    field: '$.envelope.sides'
    value: number
  }

  export interface FrameEnvelopePathFieldEvent {
    field: '$.envelope.path[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameReceiptsReceiptsIdFieldEvent {
    field: '$.receipts.receipts[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FrameReceiptsReceiptsAttemptFieldEvent {
    field: '$.receipts.receipts[].attempt'
    value: number
    index: number
  }

  export interface FrameReceiptsReceiptsHashFieldEvent {
    field: '$.receipts.receipts[].hash'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FrameReceiptsReceiptsLevelFieldEvent {
    field: '$.receipts.receipts[].level'
    value: number
    index: number
  }

  export interface FrameReceiptsReceiptsReasonFieldEvent {
    field: '$.receipts.receipts[].reason'
    value: number
    index: number
  }

  export interface FrameReceiptsReceiptsUntilMsFieldEvent {
    field: '$.receipts.receipts[].untilMs'
    value: number
    index: number
  }

  export interface FrameReceiptsReceiptsSigFieldEvent {
    field: '$.receipts.receipts[].sig'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export function encode (obj: Partial<Frame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Frame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Frame {
    return decodeMessage(buf, Frame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Generator<FrameHelloVersionFieldEvent | FrameHelloKindsFieldEvent | FrameHelloMaxFrameBytesFieldEvent | FrameHelloEpochFieldEvent | FrameHelloTimeMsFieldEvent | FrameHelloAdmittedFieldEvent | FrameHelloLabelFieldEvent | FrameEnvelopeSignedFieldEvent | FrameEnvelopeSigFieldEvent | FrameEnvelopeSidesFieldEvent | FrameEnvelopePathFieldEvent | FrameReceiptsReceiptsIdFieldEvent | FrameReceiptsReceiptsAttemptFieldEvent | FrameReceiptsReceiptsHashFieldEvent | FrameReceiptsReceiptsLevelFieldEvent | FrameReceiptsReceiptsReasonFieldEvent | FrameReceiptsReceiptsUntilMsFieldEvent | FrameReceiptsReceiptsSigFieldEvent> {
    return streamMessage(buf, Frame.codec(), opts)
  }
}

export interface Hello {
  version: number
  kinds: number[]
  maxFrameBytes: number
  epoch: Uint8Array<ArrayBuffer>
  timeMs: number
  admitted: boolean
  label: string
}

export namespace Hello {
  let _codec: Codec<Hello>

  export const codec = (): Codec<Hello> => {
    if (_codec == null) {
      _codec = message<Hello>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if (obj.kinds != null && obj.kinds.length > 0) {
          for (const value of obj.kinds) {
            w.uint32(16)
            w.uint32(value)
          }
        }

        if ((obj.maxFrameBytes != null && obj.maxFrameBytes !== 0)) {
          w.uint32(24)
          w.uint32(obj.maxFrameBytes)
        }

        if ((obj.epoch != null && obj.epoch.byteLength > 0)) {
          w.uint32(34)
          w.bytes(obj.epoch)
        }

        if ((obj.timeMs != null && obj.timeMs !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.timeMs)
        }

        if ((obj.admitted != null && obj.admitted !== false)) {
          w.uint32(48)
          w.bool(obj.admitted)
        }

        if ((obj.label != null && obj.label !== '')) {
          w.uint32(58)
          w.string(obj.label)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          kinds: [],
          maxFrameBytes: 0,
          epoch: uint8ArrayAlloc(0),
          timeMs: 0,
          admitted: false,
          label: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.version = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.kinds != null && obj.kinds.length === opts.limits.kinds) {
                throw new MaxLengthError('Decode error - repeated field "kinds" had too many elements')
              }

              obj.kinds.push(reader.uint32())
              break
            }
            case 3: {
              obj.maxFrameBytes = reader.uint32()
              break
            }
            case 4: {
              obj.epoch = reader.bytes()
              break
            }
            case 5: {
              obj.timeMs = reader.uint64Number()
              break
            }
            case 6: {
              obj.admitted = reader.bool()
              break
            }
            case 7: {
              obj.label = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          kinds: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.version`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.kinds != null && obj.kinds === opts.limits.kinds) {
                throw new MaxLengthError('Streaming decode error - repeated field "kinds" had too many elements')
              }

              yield {
                field: `${prefix}.kinds[]`,
                index: obj.kinds,
                value: reader.uint32()
              }

              obj.kinds++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.maxFrameBytes`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.bytes()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.timeMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.admitted`,
                value: reader.bool()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.label`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface HelloVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface HelloKindsFieldEvent {
    field: '$.kinds[]'
    index: number
    value: number
  }

  export interface HelloMaxFrameBytesFieldEvent {
    field: '$.maxFrameBytes'
    value: number
  }

  export interface HelloEpochFieldEvent {
    field: '$.epoch'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloTimeMsFieldEvent {
    field: '$.timeMs'
    value: number
  }

  export interface HelloAdmittedFieldEvent {
    field: '$.admitted'
    value: boolean
  }

  export interface HelloLabelFieldEvent {
    field: '$.label'
    value: string
  }

  export function encode (obj: Partial<Hello>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Hello.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Hello {
    return decodeMessage(buf, Hello.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Generator<HelloVersionFieldEvent | HelloKindsFieldEvent | HelloMaxFrameBytesFieldEvent | HelloEpochFieldEvent | HelloTimeMsFieldEvent | HelloAdmittedFieldEvent | HelloLabelFieldEvent> {
    return streamMessage(buf, Hello.codec(), opts)
  }
}

export interface Envelope {
  signed: Uint8Array<ArrayBuffer>
  sig: Uint8Array<ArrayBuffer>
  sides: number
  path: Uint8Array<ArrayBuffer>[]
}

export namespace Envelope {
  let _codec: Codec<Envelope>

  export const codec = (): Codec<Envelope> => {
    if (_codec == null) {
      _codec = message<Envelope>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.signed != null && obj.signed.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.signed)
        }

        if ((obj.sig != null && obj.sig.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.sig)
        }

        if ((obj.sides != null && obj.sides !== 0)) {
          w.uint32(24)
          w.uint32(obj.sides)
        }

        if (obj.path != null && obj.path.length > 0) {
          for (const value of obj.path) {
            w.uint32(34)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          signed: uint8ArrayAlloc(0),
          sig: uint8ArrayAlloc(0),
          sides: 0,
          path: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.signed = reader.bytes()
              break
            }
            case 2: {
              obj.sig = reader.bytes()
              break
            }
            case 3: {
              obj.sides = reader.uint32()
              break
            }
            case 4: {
              if (opts.limits?.path != null && obj.path.length === opts.limits.path) {
                throw new MaxLengthError('Decode error - repeated field "path" had too many elements')
              }

              obj.path.push(reader.bytes())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          path: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.signed`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.sig`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.sides`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              if (opts.limits?.path != null && obj.path === opts.limits.path) {
                throw new MaxLengthError('Streaming decode error - repeated field "path" had too many elements')
              }

              yield {
                field: `${prefix}.path[]`,
                index: obj.path,
                value: reader.bytes()
              }

              obj.path++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface EnvelopeSignedFieldEvent {
    field: '$.signed'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EnvelopeSigFieldEvent {
    field: '$.sig'
    value: Uint8Array<ArrayBuffer>
  }

  export interface EnvelopeSidesFieldEvent {
    field: '$.sides'
    value: number
  }

  export interface EnvelopePathFieldEvent {
    field: '$.path[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Envelope>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Envelope.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Envelope>): Envelope {
    return decodeMessage(buf, Envelope.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Envelope>): Generator<EnvelopeSignedFieldEvent | EnvelopeSigFieldEvent | EnvelopeSidesFieldEvent | EnvelopePathFieldEvent> {
    return streamMessage(buf, Envelope.codec(), opts)
  }
}

export interface Signed {
  version: number
  kind: number
  id: Uint8Array<ArrayBuffer>
  from: Uint8Array<ArrayBuffer>
  key: Uint8Array<ArrayBuffer>
  to: Uint8Array<ArrayBuffer>
  topic: string
  epoch: Uint8Array<ArrayBuffer>
  conversation: Uint8Array<ArrayBuffer>
  seq: number
  inReplyTo: Uint8Array<ArrayBuffer>
  timeMs: number
  expiresMs: number
  trace?: Trace
  plain?: Uint8Array<ArrayBuffer>
  chunk?: Chunk
  sealed?: Uint8Array<ArrayBuffer>
}

export namespace Signed {
  let _codec: Codec<Signed>

  export const codec = (): Codec<Signed> => {
    if (_codec == null) {
      _codec = message<Signed>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.sealed != null) {
          obj.chunk = undefined
          obj.plain = undefined
        }

        if (obj.chunk != null) {
          obj.sealed = undefined
          obj.plain = undefined
        }

        if (obj.plain != null) {
          obj.sealed = undefined
          obj.chunk = undefined
        }

        if ((obj.version != null && obj.version !== 0)) {
          w.uint32(8)
          w.uint32(obj.version)
        }

        if ((obj.kind != null && obj.kind !== 0)) {
          w.uint32(16)
          w.uint32(obj.kind)
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.id)
        }

        if ((obj.from != null && obj.from.byteLength > 0)) {
          w.uint32(34)
          w.bytes(obj.from)
        }

        if ((obj.key != null && obj.key.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.key)
        }

        if ((obj.to != null && obj.to.byteLength > 0)) {
          w.uint32(50)
          w.bytes(obj.to)
        }

        if ((obj.topic != null && obj.topic !== '')) {
          w.uint32(58)
          w.string(obj.topic)
        }

        if ((obj.epoch != null && obj.epoch.byteLength > 0)) {
          w.uint32(66)
          w.bytes(obj.epoch)
        }

        if ((obj.conversation != null && obj.conversation.byteLength > 0)) {
          w.uint32(74)
          w.bytes(obj.conversation)
        }

        if ((obj.seq != null && obj.seq !== 0)) {
          w.uint32(80)
          w.uint64Number(obj.seq)
        }

        if ((obj.inReplyTo != null && obj.inReplyTo.byteLength > 0)) {
          w.uint32(90)
          w.bytes(obj.inReplyTo)
        }

        if ((obj.timeMs != null && obj.timeMs !== 0)) {
          w.uint32(96)
          w.uint64Number(obj.timeMs)
        }

        if ((obj.expiresMs != null && obj.expiresMs !== 0)) {
          w.uint32(104)
          w.uint64Number(obj.expiresMs)
        }

        if (obj.trace != null) {
          w.uint32(114)
          Trace.codec().encode(obj.trace, w)
        }

        if (obj.plain != null) {
          w.uint32(122)
          w.bytes(obj.plain)
        }

        if (obj.chunk != null) {
          w.uint32(130)
          Chunk.codec().encode(obj.chunk, w)
        }

        if (obj.sealed != null) {
          w.uint32(138)
          w.bytes(obj.sealed)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          version: 0,
          kind: 0,
          id: uint8ArrayAlloc(0),
          from: uint8ArrayAlloc(0),
          key: uint8ArrayAlloc(0),
          to: uint8ArrayAlloc(0),
          topic: '',
          epoch: uint8ArrayAlloc(0),
          conversation: uint8ArrayAlloc(0),
          seq: 0,
          inReplyTo: uint8ArrayAlloc(0),
          timeMs: 0,
          expiresMs: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.version = reader.uint32()
              break
            }
            case 2: {
              obj.kind = reader.uint32()
              break
            }
            case 3: {
              obj.id = reader.bytes()
              break
            }
            case 4: {
              obj.from = reader.bytes()
              break
            }
            case 5: {
              obj.key = reader.bytes()
              break
            }
            case 6: {
              obj.to = reader.bytes()
              break
            }
            case 7: {
              obj.topic = reader.string()
              break
            }
            case 8: {
              obj.epoch = reader.bytes()
              break
            }
            case 9: {
              obj.conversation = reader.bytes()
              break
            }
            case 10: {
              obj.seq = reader.uint64Number()
              break
            }
            case 11: {
              obj.inReplyTo = reader.bytes()
              break
            }
            case 12: {
              obj.timeMs = reader.uint64Number()
              break
            }
            case 13: {
              obj.expiresMs = reader.uint64Number()
              break
            }
            case 14: {
              obj.trace = Trace.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.trace
              })
              break
            }
            case 15: {
              obj.plain = reader.bytes()
              break
            }
            case 16: {
              obj.chunk = Chunk.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.chunk
              })
              break
            }
            case 17: {
              obj.sealed = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.sealed != null) {
          delete obj.chunk
          delete obj.plain
        }

        if (obj.chunk != null) {
          delete obj.sealed
          delete obj.plain
        }

        if (obj.plain != null) {
          delete obj.sealed
          delete obj.chunk
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.version`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.kind`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.from`,
                value: reader.bytes()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.key`,
                value: reader.bytes()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.to`,
                value: reader.bytes()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.topic`,
                value: reader.string()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.bytes()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.conversation`,
                value: reader.bytes()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.seq`,
                value: reader.uint64Number()
              }
              break
            }
            case 11: {
              yield {
                field: `${prefix}.inReplyTo`,
                value: reader.bytes()
              }
              break
            }
            case 12: {
              yield {
                field: `${prefix}.timeMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 13: {
              yield {
                field: `${prefix}.expiresMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 14: {
              yield * Trace.codec().stream(reader, reader.uint32(), `${prefix}.trace`, {
                limits: opts.limits?.trace
              })

              break
            }
            case 15: {
              yield {
                field: `${prefix}.plain`,
                value: reader.bytes()
              }
              break
            }
            case 16: {
              yield * Chunk.codec().stream(reader, reader.uint32(), `${prefix}.chunk`, {
                limits: opts.limits?.chunk
              })

              break
            }
            case 17: {
              yield {
                field: `${prefix}.sealed`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SignedVersionFieldEvent {
    field: '$.version'
    value: number
  }

  export interface SignedKindFieldEvent {
    field: '$.kind'
    value: number
  }

  export interface SignedIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedFromFieldEvent {
    field: '$.from'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedKeyFieldEvent {
    field: '$.key'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedToFieldEvent {
    field: '$.to'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedTopicFieldEvent {
    field: '$.topic'
    value: string
  }

  export interface SignedEpochFieldEvent {
    field: '$.epoch'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedConversationFieldEvent {
    field: '$.conversation'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedSeqFieldEvent {
    field: '$.seq'
    value: number
  }

  export interface SignedInReplyToFieldEvent {
    field: '$.inReplyTo'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedTimeMsFieldEvent {
    field: '$.timeMs'
    value: number
  }

  export interface SignedExpiresMsFieldEvent {
    field: '$.expiresMs'
    value: number
  }

  export interface SignedTraceRootFieldEvent {
    field: '$.trace.root'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedTraceParentFieldEvent {
    field: '$.trace.parent'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedTraceDepthFieldEvent {
    field: '$.trace.depth'
    value: number
  }

  export interface SignedTraceHopsFieldEvent {
    field: '$.trace.hops[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedPlainFieldEvent {
    field: '$.plain'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedChunkIndexFieldEvent {
    field: '$.chunk.index'
    value: number
  }

  export interface SignedChunkTotalFieldEvent {
    field: '$.chunk.total'
    value: number
  }

  export interface SignedChunkDataFieldEvent {
    field: '$.chunk.data'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedSealedFieldEvent {
    field: '$.sealed'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Signed>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Signed.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Signed>): Signed {
    return decodeMessage(buf, Signed.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Signed>): Generator<SignedVersionFieldEvent | SignedKindFieldEvent | SignedIdFieldEvent | SignedFromFieldEvent | SignedKeyFieldEvent | SignedToFieldEvent | SignedTopicFieldEvent | SignedEpochFieldEvent | SignedConversationFieldEvent | SignedSeqFieldEvent | SignedInReplyToFieldEvent | SignedTimeMsFieldEvent | SignedExpiresMsFieldEvent | SignedTraceRootFieldEvent | SignedTraceParentFieldEvent | SignedTraceDepthFieldEvent | SignedTraceHopsFieldEvent | SignedPlainFieldEvent | SignedChunkIndexFieldEvent | SignedChunkTotalFieldEvent | SignedChunkDataFieldEvent | SignedSealedFieldEvent> {
    return streamMessage(buf, Signed.codec(), opts)
  }
}

export interface Trace {
  root: Uint8Array<ArrayBuffer>
  parent: Uint8Array<ArrayBuffer>
  depth: number
  hops: Uint8Array<ArrayBuffer>[]
}

export namespace Trace {
  let _codec: Codec<Trace>

  export const codec = (): Codec<Trace> => {
    if (_codec == null) {
      _codec = message<Trace>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.root != null && obj.root.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.root)
        }

        if ((obj.parent != null && obj.parent.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.parent)
        }

        if ((obj.depth != null && obj.depth !== 0)) {
          w.uint32(24)
          w.uint32(obj.depth)
        }

        if (obj.hops != null && obj.hops.length > 0) {
          for (const value of obj.hops) {
            w.uint32(34)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          root: uint8ArrayAlloc(0),
          parent: uint8ArrayAlloc(0),
          depth: 0,
          hops: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.root = reader.bytes()
              break
            }
            case 2: {
              obj.parent = reader.bytes()
              break
            }
            case 3: {
              obj.depth = reader.uint32()
              break
            }
            case 4: {
              if (opts.limits?.hops != null && obj.hops.length === opts.limits.hops) {
                throw new MaxLengthError('Decode error - repeated field "hops" had too many elements')
              }

              obj.hops.push(reader.bytes())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          hops: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.root`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.parent`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.depth`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              if (opts.limits?.hops != null && obj.hops === opts.limits.hops) {
                throw new MaxLengthError('Streaming decode error - repeated field "hops" had too many elements')
              }

              yield {
                field: `${prefix}.hops[]`,
                index: obj.hops,
                value: reader.bytes()
              }

              obj.hops++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TraceRootFieldEvent {
    field: '$.root'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TraceParentFieldEvent {
    field: '$.parent'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TraceDepthFieldEvent {
    field: '$.depth'
    value: number
  }

  export interface TraceHopsFieldEvent {
    field: '$.hops[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Trace>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Trace.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Trace>): Trace {
    return decodeMessage(buf, Trace.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Trace>): Generator<TraceRootFieldEvent | TraceParentFieldEvent | TraceDepthFieldEvent | TraceHopsFieldEvent> {
    return streamMessage(buf, Trace.codec(), opts)
  }
}

export interface Chunk {
  index: number
  total: number
  data: Uint8Array<ArrayBuffer>
}

export namespace Chunk {
  let _codec: Codec<Chunk>

  export const codec = (): Codec<Chunk> => {
    if (_codec == null) {
      _codec = message<Chunk>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.index != null && obj.index !== 0)) {
          w.uint32(8)
          w.uint32(obj.index)
        }

        if ((obj.total != null && obj.total !== 0)) {
          w.uint32(16)
          w.uint32(obj.total)
        }

        if ((obj.data != null && obj.data.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.data)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          index: 0,
          total: 0,
          data: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.index = reader.uint32()
              break
            }
            case 2: {
              obj.total = reader.uint32()
              break
            }
            case 3: {
              obj.data = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.index`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.total`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.data`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ChunkIndexFieldEvent {
    field: '$.index'
    value: number
  }

  export interface ChunkTotalFieldEvent {
    field: '$.total'
    value: number
  }

  export interface ChunkDataFieldEvent {
    field: '$.data'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Chunk>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Chunk.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Chunk>): Chunk {
    return decodeMessage(buf, Chunk.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Chunk>): Generator<ChunkIndexFieldEvent | ChunkTotalFieldEvent | ChunkDataFieldEvent> {
    return streamMessage(buf, Chunk.codec(), opts)
  }
}

export interface Receipts {
  receipts: Receipt[]
}

export namespace Receipts {
  let _codec: Codec<Receipts>

  export const codec = (): Codec<Receipts> => {
    if (_codec == null) {
      _codec = message<Receipts>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.receipts != null && obj.receipts.length > 0) {
          for (const value of obj.receipts) {
            w.uint32(10)
            Receipt.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          receipts: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.receipts != null && obj.receipts.length === opts.limits.receipts) {
                throw new MaxLengthError('Decode error - repeated field "receipts" had too many elements')
              }

              obj.receipts.push(Receipt.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.receipts$
              }))
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          receipts: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.receipts != null && obj.receipts === opts.limits.receipts) {
                throw new MaxLengthError('Streaming decode error - repeated field "receipts" had too many elements')
              }

              for (const evt of Receipt.codec().stream(reader, reader.uint32(), `${prefix}.receipts[]`, {
                limits: opts.limits?.receipts$
              })) {
                yield {
                  ...evt,
                  index: obj.receipts
                }
              }

              obj.receipts++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ReceiptsReceiptsIdFieldEvent {
    field: '$.receipts[].id'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ReceiptsReceiptsAttemptFieldEvent {
    field: '$.receipts[].attempt'
    value: number
    index: number
  }

  export interface ReceiptsReceiptsHashFieldEvent {
    field: '$.receipts[].hash'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ReceiptsReceiptsLevelFieldEvent {
    field: '$.receipts[].level'
    value: number
    index: number
  }

  export interface ReceiptsReceiptsReasonFieldEvent {
    field: '$.receipts[].reason'
    value: number
    index: number
  }

  export interface ReceiptsReceiptsUntilMsFieldEvent {
    field: '$.receipts[].untilMs'
    value: number
    index: number
  }

  export interface ReceiptsReceiptsSigFieldEvent {
    field: '$.receipts[].sig'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export function encode (obj: Partial<Receipts>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Receipts.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Receipts>): Receipts {
    return decodeMessage(buf, Receipts.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Receipts>): Generator<ReceiptsReceiptsIdFieldEvent | ReceiptsReceiptsAttemptFieldEvent | ReceiptsReceiptsHashFieldEvent | ReceiptsReceiptsLevelFieldEvent | ReceiptsReceiptsReasonFieldEvent | ReceiptsReceiptsUntilMsFieldEvent | ReceiptsReceiptsSigFieldEvent> {
    return streamMessage(buf, Receipts.codec(), opts)
  }
}

export interface Receipt {
  id: Uint8Array<ArrayBuffer>
  attempt: number
  hash: Uint8Array<ArrayBuffer>
  level: number
  reason: number
  untilMs: number
  sig: Uint8Array<ArrayBuffer>
}

export namespace Receipt {
  let _codec: Codec<Receipt>

  export const codec = (): Codec<Receipt> => {
    if (_codec == null) {
      _codec = message<Receipt>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if ((obj.attempt != null && obj.attempt !== 0)) {
          w.uint32(16)
          w.uint32(obj.attempt)
        }

        if ((obj.hash != null && obj.hash.byteLength > 0)) {
          w.uint32(26)
          w.bytes(obj.hash)
        }

        if ((obj.level != null && obj.level !== 0)) {
          w.uint32(32)
          w.uint32(obj.level)
        }

        if ((obj.reason != null && obj.reason !== 0)) {
          w.uint32(40)
          w.uint32(obj.reason)
        }

        if ((obj.untilMs != null && obj.untilMs !== 0)) {
          w.uint32(48)
          w.uint64Number(obj.untilMs)
        }

        if ((obj.sig != null && obj.sig.byteLength > 0)) {
          w.uint32(58)
          w.bytes(obj.sig)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          attempt: 0,
          hash: uint8ArrayAlloc(0),
          level: 0,
          reason: 0,
          untilMs: 0,
          sig: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              obj.attempt = reader.uint32()
              break
            }
            case 3: {
              obj.hash = reader.bytes()
              break
            }
            case 4: {
              obj.level = reader.uint32()
              break
            }
            case 5: {
              obj.reason = reader.uint32()
              break
            }
            case 6: {
              obj.untilMs = reader.uint64Number()
              break
            }
            case 7: {
              obj.sig = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.attempt`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.hash`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.level`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.reason`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.untilMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.sig`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ReceiptIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ReceiptAttemptFieldEvent {
    field: '$.attempt'
    value: number
  }

  export interface ReceiptHashFieldEvent {
    field: '$.hash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ReceiptLevelFieldEvent {
    field: '$.level'
    value: number
  }

  export interface ReceiptReasonFieldEvent {
    field: '$.reason'
    value: number
  }

  export interface ReceiptUntilMsFieldEvent {
    field: '$.untilMs'
    value: number
  }

  export interface ReceiptSigFieldEvent {
    field: '$.sig'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Receipt>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Receipt.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Receipt>): Receipt {
    return decodeMessage(buf, Receipt.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Receipt>): Generator<ReceiptIdFieldEvent | ReceiptAttemptFieldEvent | ReceiptHashFieldEvent | ReceiptLevelFieldEvent | ReceiptReasonFieldEvent | ReceiptUntilMsFieldEvent | ReceiptSigFieldEvent> {
    return streamMessage(buf, Receipt.codec(), opts)
  }
}

export interface RouteRecord {
  peerId: string
  seq: number
  addresses: Uint8Array<ArrayBuffer>[]
  issuedMs: number
  expiresMs: number
  label: string
}

export namespace RouteRecord {
  let _codec: Codec<RouteRecord>

  export const codec = (): Codec<RouteRecord> => {
    if (_codec == null) {
      _codec = message<RouteRecord>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.peerId != null && obj.peerId !== '')) {
          w.uint32(10)
          w.string(obj.peerId)
        }

        if ((obj.seq != null && obj.seq !== 0)) {
          w.uint32(16)
          w.uint64Number(obj.seq)
        }

        if (obj.addresses != null && obj.addresses.length > 0) {
          for (const value of obj.addresses) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if ((obj.issuedMs != null && obj.issuedMs !== 0)) {
          w.uint32(32)
          w.uint64Number(obj.issuedMs)
        }

        if ((obj.expiresMs != null && obj.expiresMs !== 0)) {
          w.uint32(40)
          w.uint64Number(obj.expiresMs)
        }

        if ((obj.label != null && obj.label !== '')) {
          w.uint32(50)
          w.string(obj.label)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          peerId: '',
          seq: 0,
          addresses: [],
          issuedMs: 0,
          expiresMs: 0,
          label: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.peerId = reader.string()
              break
            }
            case 2: {
              obj.seq = reader.uint64Number()
              break
            }
            case 3: {
              if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
                throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
              }

              obj.addresses.push(reader.bytes())
              break
            }
            case 4: {
              obj.issuedMs = reader.uint64Number()
              break
            }
            case 5: {
              obj.expiresMs = reader.uint64Number()
              break
            }
            case 6: {
              obj.label = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          addresses: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.peerId`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.seq`,
                value: reader.uint64Number()
              }
              break
            }
            case 3: {
              if (opts.limits?.addresses != null && obj.addresses === opts.limits.addresses) {
                throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
              }

              yield {
                field: `${prefix}.addresses[]`,
                index: obj.addresses,
                value: reader.bytes()
              }

              obj.addresses++

              break
            }
            case 4: {
              yield {
                field: `${prefix}.issuedMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.expiresMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.label`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface RouteRecordPeerIdFieldEvent {
    field: '$.peerId'
    value: string
  }

  export interface RouteRecordSeqFieldEvent {
    field: '$.seq'
    value: number
  }

  export interface RouteRecordAddressesFieldEvent {
    field: '$.addresses[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface RouteRecordIssuedMsFieldEvent {
    field: '$.issuedMs'
    value: number
  }

  export interface RouteRecordExpiresMsFieldEvent {
    field: '$.expiresMs'
    value: number
  }

  export interface RouteRecordLabelFieldEvent {
    field: '$.label'
    value: string
  }

  export function encode (obj: Partial<RouteRecord>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RouteRecord.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RouteRecord>): RouteRecord {
    return decodeMessage(buf, RouteRecord.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RouteRecord>): Generator<RouteRecordPeerIdFieldEvent | RouteRecordSeqFieldEvent | RouteRecordAddressesFieldEvent | RouteRecordIssuedMsFieldEvent | RouteRecordExpiresMsFieldEvent | RouteRecordLabelFieldEvent> {
    return streamMessage(buf, RouteRecord.codec(), opts)
  }
}

export interface PairFrame {
  request?: PairRequest
  answer?: PairAnswer
}

export namespace PairFrame {
  let _codec: Codec<PairFrame>

  export const codec = (): Codec<PairFrame> => {
    if (_codec == null) {
      _codec = message<PairFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.answer != null) {
          obj.request = undefined
        }

        if (obj.request != null) {
          obj.answer = undefined
        }

        if (obj.request != null) {
          w.uint32(10)
          PairRequest.codec().encode(obj.request, w)
        }

        if (obj.answer != null) {
          w.uint32(18)
          PairAnswer.codec().encode(obj.answer, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.request = PairRequest.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.request
              })
              break
            }
            case 2: {
              obj.answer = PairAnswer.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.answer
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.answer != null) {
          delete obj.request
        }

        if (obj.request != null) {
          delete obj.answer
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * PairRequest.codec().stream(reader, reader.uint32(), `${prefix}.request`, {
                limits: opts.limits?.request
              })

              break
            }
            case 2: {
              yield * PairAnswer.codec().stream(reader, reader.uint32(), `${prefix}.answer`, {
                limits: opts.limits?.answer
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PairFrameRequestKindFieldEvent {
    field: '$.request.kind'
    value: number
  }

  export interface PairFrameRequestBodyFieldEvent {
    field: '$.request.body'
    value: Uint8Array<ArrayBuffer>
  }

  export interface PairFrameAnswerAcceptedFieldEvent {
    field: '$.answer.accepted'
    value: boolean
  }

  export interface PairFrameAnswerReasonFieldEvent {
    field: '$.answer.reason'
    value: number
  }

  export interface PairFrameAnswerLabelFieldEvent {
    field: '$.answer.label'
    value: string
  }

  export function encode (obj: Partial<PairFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PairFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairFrame>): PairFrame {
    return decodeMessage(buf, PairFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairFrame>): Generator<PairFrameRequestKindFieldEvent | PairFrameRequestBodyFieldEvent | PairFrameAnswerAcceptedFieldEvent | PairFrameAnswerReasonFieldEvent | PairFrameAnswerLabelFieldEvent> {
    return streamMessage(buf, PairFrame.codec(), opts)
  }
}

export interface PairRequest {
  kind: number
  body: Uint8Array<ArrayBuffer>
}

export namespace PairRequest {
  let _codec: Codec<PairRequest>

  export const codec = (): Codec<PairRequest> => {
    if (_codec == null) {
      _codec = message<PairRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.kind != null && obj.kind !== 0)) {
          w.uint32(8)
          w.uint32(obj.kind)
        }

        if ((obj.body != null && obj.body.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.body)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          kind: 0,
          body: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.kind = reader.uint32()
              break
            }
            case 2: {
              obj.body = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.kind`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.body`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PairRequestKindFieldEvent {
    field: '$.kind'
    value: number
  }

  export interface PairRequestBodyFieldEvent {
    field: '$.body'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<PairRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PairRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairRequest>): PairRequest {
    return decodeMessage(buf, PairRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairRequest>): Generator<PairRequestKindFieldEvent | PairRequestBodyFieldEvent> {
    return streamMessage(buf, PairRequest.codec(), opts)
  }
}

export interface PairAnswer {
  accepted: boolean
  reason: number
  label: string
}

export namespace PairAnswer {
  let _codec: Codec<PairAnswer>

  export const codec = (): Codec<PairAnswer> => {
    if (_codec == null) {
      _codec = message<PairAnswer>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.accepted != null && obj.accepted !== false)) {
          w.uint32(8)
          w.bool(obj.accepted)
        }

        if ((obj.reason != null && obj.reason !== 0)) {
          w.uint32(16)
          w.uint32(obj.reason)
        }

        if ((obj.label != null && obj.label !== '')) {
          w.uint32(26)
          w.string(obj.label)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          accepted: false,
          reason: 0,
          label: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.accepted = reader.bool()
              break
            }
            case 2: {
              obj.reason = reader.uint32()
              break
            }
            case 3: {
              obj.label = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.accepted`,
                value: reader.bool()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.reason`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.label`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PairAnswerAcceptedFieldEvent {
    field: '$.accepted'
    value: boolean
  }

  export interface PairAnswerReasonFieldEvent {
    field: '$.reason'
    value: number
  }

  export interface PairAnswerLabelFieldEvent {
    field: '$.label'
    value: string
  }

  export function encode (obj: Partial<PairAnswer>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PairAnswer.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairAnswer>): PairAnswer {
    return decodeMessage(buf, PairAnswer.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairAnswer>): Generator<PairAnswerAcceptedFieldEvent | PairAnswerReasonFieldEvent | PairAnswerLabelFieldEvent> {
    return streamMessage(buf, PairAnswer.codec(), opts)
  }
}

export interface TicketProof {
  ticket: Uint8Array<ArrayBuffer>
  proof: Uint8Array<ArrayBuffer>
  label: string
}

export namespace TicketProof {
  let _codec: Codec<TicketProof>

  export const codec = (): Codec<TicketProof> => {
    if (_codec == null) {
      _codec = message<TicketProof>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.ticket != null && obj.ticket.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.ticket)
        }

        if ((obj.proof != null && obj.proof.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.proof)
        }

        if ((obj.label != null && obj.label !== '')) {
          w.uint32(26)
          w.string(obj.label)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          ticket: uint8ArrayAlloc(0),
          proof: uint8ArrayAlloc(0),
          label: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.ticket = reader.bytes()
              break
            }
            case 2: {
              obj.proof = reader.bytes()
              break
            }
            case 3: {
              obj.label = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.ticket`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.proof`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.label`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TicketProofTicketFieldEvent {
    field: '$.ticket'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketProofProofFieldEvent {
    field: '$.proof'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketProofLabelFieldEvent {
    field: '$.label'
    value: string
  }

  export function encode (obj: Partial<TicketProof>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, TicketProof.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TicketProof>): TicketProof {
    return decodeMessage(buf, TicketProof.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TicketProof>): Generator<TicketProofTicketFieldEvent | TicketProofProofFieldEvent | TicketProofLabelFieldEvent> {
    return streamMessage(buf, TicketProof.codec(), opts)
  }
}

export interface ContactRequest {
  label: string
  purpose: string
}

export namespace ContactRequest {
  let _codec: Codec<ContactRequest>

  export const codec = (): Codec<ContactRequest> => {
    if (_codec == null) {
      _codec = message<ContactRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.label != null && obj.label !== '')) {
          w.uint32(10)
          w.string(obj.label)
        }

        if ((obj.purpose != null && obj.purpose !== '')) {
          w.uint32(18)
          w.string(obj.purpose)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          label: '',
          purpose: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.label = reader.string()
              break
            }
            case 2: {
              obj.purpose = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.label`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.purpose`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ContactRequestLabelFieldEvent {
    field: '$.label'
    value: string
  }

  export interface ContactRequestPurposeFieldEvent {
    field: '$.purpose'
    value: string
  }

  export function encode (obj: Partial<ContactRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ContactRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ContactRequest>): ContactRequest {
    return decodeMessage(buf, ContactRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ContactRequest>): Generator<ContactRequestLabelFieldEvent | ContactRequestPurposeFieldEvent> {
    return streamMessage(buf, ContactRequest.codec(), opts)
  }
}

export interface Ticket {
  key: Uint8Array<ArrayBuffer>
  secret: Uint8Array<ArrayBuffer>
  expiresMs: number
  addresses: Uint8Array<ArrayBuffer>[]
  label: string
}

export namespace Ticket {
  let _codec: Codec<Ticket>

  export const codec = (): Codec<Ticket> => {
    if (_codec == null) {
      _codec = message<Ticket>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.key != null && obj.key.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.key)
        }

        if ((obj.secret != null && obj.secret.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.secret)
        }

        if ((obj.expiresMs != null && obj.expiresMs !== 0)) {
          w.uint32(24)
          w.uint64Number(obj.expiresMs)
        }

        if (obj.addresses != null && obj.addresses.length > 0) {
          for (const value of obj.addresses) {
            w.uint32(34)
            w.bytes(value)
          }
        }

        if ((obj.label != null && obj.label !== '')) {
          w.uint32(42)
          w.string(obj.label)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          key: uint8ArrayAlloc(0),
          secret: uint8ArrayAlloc(0),
          expiresMs: 0,
          addresses: [],
          label: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.key = reader.bytes()
              break
            }
            case 2: {
              obj.secret = reader.bytes()
              break
            }
            case 3: {
              obj.expiresMs = reader.uint64Number()
              break
            }
            case 4: {
              if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
                throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
              }

              obj.addresses.push(reader.bytes())
              break
            }
            case 5: {
              obj.label = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          addresses: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.key`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.secret`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.expiresMs`,
                value: reader.uint64Number()
              }
              break
            }
            case 4: {
              if (opts.limits?.addresses != null && obj.addresses === opts.limits.addresses) {
                throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
              }

              yield {
                field: `${prefix}.addresses[]`,
                index: obj.addresses,
                value: reader.bytes()
              }

              obj.addresses++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.label`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TicketKeyFieldEvent {
    field: '$.key'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketSecretFieldEvent {
    field: '$.secret'
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketExpiresMsFieldEvent {
    field: '$.expiresMs'
    value: number
  }

  export interface TicketAddressesFieldEvent {
    field: '$.addresses[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface TicketLabelFieldEvent {
    field: '$.label'
    value: string
  }

  export function encode (obj: Partial<Ticket>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Ticket.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Ticket>): Ticket {
    return decodeMessage(buf, Ticket.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Ticket>): Generator<TicketKeyFieldEvent | TicketSecretFieldEvent | TicketExpiresMsFieldEvent | TicketAddressesFieldEvent | TicketLabelFieldEvent> {
    return streamMessage(buf, Ticket.codec(), opts)
  }
}
