/** What the host says of the machine, as it is known here. */
export interface Machine {
  hostName: string
  /** Names of the system and of the version, for example `Linux 6.1.0-13-amd64`. */
  system: readonly string[]
  /** Folders that name the owner or the layout of the disk. */
  folders: readonly string[]
}

/** A single letter tells nothing, and stands everywhere. */
const NAME_MIN_CHARS = 2

/** The name of a host without dots is often a word too (`pi`, `mac`): a shorter one is cut only where it can be nothing else. */
const HOST_NAME_MIN_CHARS = 5

const CUT = '[left out]'

/** The host's line about itself, which it adds to the first turn of a session; a model that repeats its input repeats it too. */
const RUNTIME_LINE = /\bRuntime:[ \t]*(?:name|agent|session|sessionId|host|repo|os)=[^\n]*/gi
/** A piece of that line: an entry and what follows it. */
const RUNTIME_PIECE = /\b(?:host|repo|os|node|shell|sessionId|sessionUrl|default_model)=[^|\n]*\| ?\w+=[^\n]*/gi

/** An agent's answer without what its host told it of the machine: that is nobody's business at the other side. */
export function privateReply(text: string, { hostName, system, folders }: Machine): string {
  const [short = ''] = hostName.split('.')
  const bare = [hostName, short].filter(name => !name.includes('.') && name.length < HOST_NAME_MIN_CHARS)
  const names = [...folders, ...system, hostName, short]
    .filter(name => name.length >= NAME_MIN_CHARS && !bare.includes(name))
    .toSorted((a, b) => b.length - a.length)
  let kept = text.replace(RUNTIME_LINE, CUT).replace(RUNTIME_PIECE, CUT)
  for (const name of new Set(names)) kept = kept.replace(wholeName(name), CUT)
  for (const name of new Set(bare)) if (name.length >= NAME_MIN_CHARS) kept = kept.replace(hostLike(name), CUT)
  return kept
}

function wholeName(name: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${literal(name)}(?![\\p{L}\\p{N}])`, 'giu')
}

/** `anna@pi`, `pi.local` and the like, `host=pi`, `hostname: pi`, `my host name is pi`. */
function hostLike(name: string): RegExp {
  const before = `(?<=[\\w.-]@|\\bhost(?:[ _-]?name)?[ \\t]*(?:=|:|\\bis\\b)?[ \\t]*["'\`]?)${literal(name)}(?![\\p{L}\\p{N}])`
  const after = `(?<![\\p{L}\\p{N}])${literal(name)}(?=\\.(?:local|localdomain|lan|home|internal|fritz\\.box)\\b)`
  return new RegExp(`${before}|${after}`, 'giu')
}

function literal(name: string): string {
  return name.replace(/[\^$.*+?()[\]{}|/\\]/g, '\\$&')
}
