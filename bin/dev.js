#!/usr/bin/env node
// The program from its source: built anew where the source is newer than the bundle.
const {onRightNode, run} = require('./right-node.js')

onRightNode(async () => {
  const {build, isStale} = await import('../scripts/build.ts')
  if (await isStale()) await build()
  return run('start', 'dask-k8s')
})
