import { defineConfig } from 'vitest/config'

/** `**` would also look into the packages below node_modules. */
const EXCLUDE = ['**/node_modules/**', '.fluxo/**']
const servers = './tests/stage/run-servers.ts'

/** Three lanes by suffix: pure tests need no server; the other two share one PostgreSQL and one Redis per run. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...EXCLUDE, '**/*.int.test.ts', '**/*.e2e.test.ts'],
          // Some run a whole program (promtool, the linter of the API document), which a busy machine makes wait.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'int',
          include: ['**/*.int.test.ts'],
          exclude: EXCLUDE,
          globalSetup: servers,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['**/*.e2e.test.ts'],
          exclude: EXCLUDE,
          globalSetup: servers,
          // Ample for a machine that does something else as well: conditions decide, not time.
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // Each test starts whole processes: two files at once would measure each other.
          fileParallelism: false,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['apps/**/*.ts', 'shared/**/*.ts'],
      // main.ts is wiring that the end-to-end tests run in processes of their own, which this coverage cannot see; A folder `test` is the tests' own tool.
      exclude: ['**/*.test.ts', '**/main.ts', '**/test/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
      reportOnFailure: true,
      thresholds: { lines: 90 },
    },
  },
})
