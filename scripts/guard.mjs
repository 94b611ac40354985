// Runs before every script of package.json that needs Node 24, also under an older Node: plain JavaScript, no dependency.
const MIN_MAJOR = 24
const MIN_MINOR = 16

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < MIN_MAJOR || (major === MIN_MAJOR && minor < MIN_MINOR)) {
  console.error(
    `libp2p-mesh needs Node >= ${MIN_MAJOR}.${MIN_MINOR}, this is ${process.versions.node}. ` +
      'Run it through npm after a plain `npm ci` (without --ignore-scripts): the package brings its own Node 24.'
  )
  process.exit(1)
}
