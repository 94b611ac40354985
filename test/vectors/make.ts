import { writeFile } from 'node:fs/promises'
import { buildVectors, vectorText } from './build.ts'

// node --experimental-transform-types test/vectors/make.ts
for (const [file, value] of Object.entries(await buildVectors())) {
  await writeFile(new URL(file, import.meta.url), vectorText(value))
  console.log(`wrote test/vectors/${file}`)
}
