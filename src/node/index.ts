export { createNode, type NodeInit } from './assemble.ts'
