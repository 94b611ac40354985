/**
 * Whether advice that starts like this is given under OpenClaw, whose own program reaches the mesh, and not by the program of the mesh, which has to
 * be told where its state is.
 */
export function underOpenClaw(program: string): boolean {
  return program.startsWith('openclaw')
}
