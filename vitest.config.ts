import {defineConfig} from 'vitest/config'

/** They change the node that all files share, make the ground forget its past, judge the whole of it, or that nothing happens on it. */
const ALONE = ['api-past', 'doctor', 'drain', 'lost-node', 'rest'].map((name) => `test/conformance/${name}.test.ts`)

/** What the operator does for objects of upstream's own fields. */
const OVER_UPSTREAM = [
  'autoscaler',
  'cluster',
  'contract',
  'idle',
  'job',
  'python-client',
  'repair',
  'retire',
  'rollout',
  'take-over',
  'upstream-faults',
].map((name) => `test/conformance/${name}.test.ts`)

const conformance = {globalSetup: ['test/conformance/setup.ts'], testTimeout: 120_000, hookTimeout: 120_000}

/** One project a ring (docs/testing.md); `scripts/test.ts` makes each ring's ground before it. */
export default defineConfig({
  test: {
    projects: [
      {test: {name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'], testTimeout: 20_000}},
      // Most of the time a task sleeps: two files side by side.
      {test: {name: 'dask', include: ['test/dask/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 60_000, maxWorkers: 2}},
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          globalSetup: ['test/chaos/setup.ts'],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          maxConcurrency: 8,
        },
      },
      // Each file has its namespace, and most of the time it waits.
      {
        test: {
          ...conformance,
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: 2,
        },
      },
      // The same files once more, over the definitions that the Python operator has installed.
      {test: {...conformance, name: 'upstream', include: OVER_UPSTREAM, maxWorkers: 2}},
      {test: {...conformance, name: 'conformance-alone', include: ALONE, fileParallelism: false, sequence: {groupOrder: 1}}},
      {
        test: {
          name: 'sandbox',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: {groupOrder: 2},
        },
      },
      {
        test: {
          name: 'kubernetes',
          include: ['test/kubernetes/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
