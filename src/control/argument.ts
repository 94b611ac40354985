/** One argument of a command line that a person pastes, quoted where a shell would take it apart. */
export function argument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
