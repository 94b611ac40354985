// The guard comes before everything that an older Node cannot read: it is plain, and the program is loaded after it.
const MIN_MAJOR = 24
const MIN_MINOR = 16

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < MIN_MAJOR || (major === MIN_MAJOR && minor < MIN_MINOR)) {
  process.stderr.write(
    `libp2p-mesh needs Node >= ${MIN_MAJOR}.${MIN_MINOR}, this is ${process.versions.node}; install a newer Node and run it again.\n`
  )
  process.exitCode = 1
} else {
  const { main } = await import('./standalone/main.ts')
  await main()
}
