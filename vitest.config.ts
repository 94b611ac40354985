import { defineConfig } from 'vitest/config'

/** The smallest machine that the tests must pass on has two cores. */
const WORKERS = 2

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: WORKERS,
    allowOnly: false,
    // A second, the default, is too short for a process that starts on a machine with other work.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          // Real gateways, network namespaces and soak runs have lanes of their own.
          exclude: [
            'test/integration/**',
            'test/host/**',
            'test/hostile/**',
            'test/nat/**',
            'test/soak/**',
            'test/chaos/**'
          ],
          // The longest takes some four seconds on an idle machine; one with other work may take ten times as long.
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/integration/harness/built.ts'],
          // Each test starts processes; on a machine with other work they take their time.
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        extends: true,
        test: {
          // Raw libp2p programs attack a node that runs as its own process.
          name: 'hostile',
          include: ['test/hostile/**/*.test.ts'],
          globalSetup: ['test/integration/harness/built.ts'],
          // A crowd of keys is made and dialled; on a machine with other work that takes its time.
          testTimeout: 120_000,
          hookTimeout: 60_000
        }
      },
      {
        extends: true,
        test: {
          // Two processes that keep both cores busy for minutes: nothing else may run beside them.
          name: 'soak',
          include: ['test/soak/**/*.test.ts'],
          globalSetup: ['test/integration/harness/built.ts'],
          fileParallelism: false
        }
      },
      {
        extends: true,
        test: {
          // Processes that are killed, cut off and held up for minutes; each test uses both cores.
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          fileParallelism: false
        }
      },
      {
        extends: true,
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          // A gateway takes 15 to 40 s to start, and two at once already fill two cores.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000
        }
      },
      {
        extends: true,
        test: {
          // Network namespaces: needs root and iproute2.
          name: 'nat',
          include: ['test/nat/**/*.test.ts'],
          // One of them measures times.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      }
    ]
  }
})
