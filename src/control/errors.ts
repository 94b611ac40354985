/** What a control call rejects with, for those who ask: they do not see the mesh itself. */
export { MeshError, type MeshErrorCode, type MeshErrorDetails } from '../mesh/errors.ts'
