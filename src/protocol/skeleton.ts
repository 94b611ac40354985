/** Letters by what they look like, upper case, where the lower case looks like another: Cyrillic, Greek, Armenian. */
const UPPER = pairs('Аa Вb Еe Іi Јj Кk Мm Нh Оo Рp Сc Ѕs Тt Уy Хx Αa Βb Εe Ζz Ηh Ιi Κk Μm Νn Οo Ρp Τt Υy Χx Օo Սu Տs')

/** The same in lower case, with the letters and digits of Latin that pass for each other, and those that Japanese shares with Chinese. */
const LOWER = pairs(
  'аa вb гr еe іl јj кk мm нh оo пn рp сc ѕs тt уy хx ьb һh ӏl ԁd ԛq ԝw αa βb γy εe ηn ιl κk μu νv οo ρp σo τt υu χx ωw օo ոn սu հh ցg զq աw ' +
    'ıl łl øo đd ħh ŧt ɑa ɡg ɩl 0o 1l il カ力 ニ二 ロ口 エ工 ト卜 タ夕 ハ八 ー一 ヘへ リり'
)

/** Two letters that read as one. */
const PAIRS: ReadonlyArray<readonly [string, string]> = [
  ['rn', 'm'],
  ['vv', 'w'],
  ['cl', 'd']
]

/**
 * What is left of a label when everything is taken from it by which two labels can differ without looking different: case, marks, separators, and
 * which of several like letters it is. Two labels with one skeleton can be taken for each other; nothing else is to be made of it.
 */
export function skeletonOf(label: string): string {
  const bare = label.normalize('NFKD').replace(/[\p{M}\s._-]+/gu, '')
  const lower = Array.from(bare, char => UPPER.get(char) ?? char)
    .join('')
    .toLowerCase()
  const folded = Array.from(lower, char => LOWER.get(char) ?? char).join('')
  return PAIRS.reduce((text, [pair, one]) => text.replaceAll(pair, one), folded)
}

/** From `Аа Вb`: the first of each word becomes the second. */
function pairs(words: string): ReadonlyMap<string, string> {
  return new Map(words.split(' ').map(word => [...word] as [string, string]))
}
