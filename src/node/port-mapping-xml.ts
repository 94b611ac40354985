/** The text of the first element of this name, as routers write them: without attributes or a namespace. Takes time in proportion to the text. */
export function textOf(xml: string, name: string): string | undefined {
  const opens = xml.indexOf(`<${name}>`)
  if (opens === -1) return undefined
  const from = opens + name.length + 2
  const ends = xml.indexOf('</', from)
  return ends === -1 ? undefined : xml.slice(from, ends).trim().replaceAll('&amp;', '&')
}

/** What stands in each of the innermost elements of this name. */
export function elementsOf(xml: string, name: string): string[] {
  const opening = `<${name}>`
  return xml
    .split(`</${name}>`)
    .slice(0, -1)
    .flatMap(part => {
      const opens = part.lastIndexOf(opening)
      return opens === -1 ? [] : [part.slice(opens + opening.length)]
    })
}
