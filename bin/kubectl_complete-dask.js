#!/usr/bin/env node
const {run} = require('./right-node.js')

run('complete', 'kubectl_complete-dask')
