#!/usr/bin/env node
// The program from its source: built anew where the source is newer than the bundle.
import {onRightNode, run} from './right-node.js'

onRightNode(async () => {
  const {build, isStale} = await import('../scripts/build.ts')
  if (await isStale()) await build()
  return run('main.js', 'dask-k8s')
})
