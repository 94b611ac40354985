/** Words that can be written whole in another script. */
const CYRILLIC: Readonly<Record<string, string>> = {
  a: 'а',
  c: 'с',
  e: 'е',
  o: 'о',
  p: 'р',
  x: 'х',
  y: 'у',
  s: 'ѕ',
  j: 'ј',
  i: 'і'
}
const GREEK: Readonly<Record<string, string>> = {
  o: 'ο',
  v: 'ν',
  p: 'ρ',
  a: 'α',
  x: 'χ',
  y: 'γ',
  w: 'ω',
  n: 'η',
  u: 'υ'
}

const LATIN = [
  'otter',
  'brisk-otter',
  'alice',
  'paula',
  'hill-mill',
  'corner',
  'modern-tool',
  'oslo',
  'clio',
  'willow',
  'reno',
  'mailroom'
]
const CYRILLIC_WORDS = [
  'ace',
  'cape',
  'copy',
  'epoxy',
  'ease',
  'pope',
  'space',
  'jose',
  'soap',
  'coax',
  'apex',
  'pico',
  'expo',
  'coco',
  'pisa'
]
const GREEK_WORDS = ['nova', 'ovo', 'pavo', 'ana', 'wow', 'anu', 'pony', 'onyx', 'paw', 'yoyo', 'una', 'vao']
const TAILS = ['', '-1', '-7', '.lan', ' 2']

/** Ways to write a Latin word that a reader takes for the word. */
const WAYS: ReadonlyArray<(word: string) => string> = [
  word => word.toUpperCase(),
  word => word.replaceAll('l', '1'),
  word => word.replaceAll('l', 'I'),
  word => word.replaceAll('o', '0'),
  word => word.replaceAll('m', 'rn'),
  word => word.replaceAll('w', 'vv'),
  word => word.replaceAll('rn', 'm'),
  word => word.replaceAll('-', '_'),
  word => word.replaceAll('-', '.'),
  word => word.replaceAll('-', ''),
  word => word.replaceAll('o', 'ö'),
  word => word.replaceAll('a', 'á'),
  word => word.replaceAll('e', 'ė'),
  word => `${word.slice(0, 1)}.${word.slice(1)}`,
  word => word.replaceAll('i', 'ı')
]

/** Pairs of labels, each good by itself, that read alike. */
export function confusablePairs(): Array<[string, string]> {
  const latin = LATIN.flatMap(word =>
    TAILS.flatMap(tail => WAYS.map(way => [`${word}${tail}`, `${way(word)}${tail}`] as [string, string]))
  )
  const whole = (words: string[], letters: Readonly<Record<string, string>>): Array<[string, string]> =>
    words
      .filter(word => [...word].every(letter => letter in letters))
      .flatMap(word =>
        ['', '-1', '-7'].map(
          tail =>
            [`${word}${tail}`, `${Array.from(word, letter => letters[letter]).join('')}${tail}`] as [string, string]
        )
      )
  const all = [...latin, ...whole(CYRILLIC_WORDS, CYRILLIC), ...whole(GREEK_WORDS, GREEK)]
  return all.filter(([one, other]) => one !== other)
}
