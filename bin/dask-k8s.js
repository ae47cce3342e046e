#!/usr/bin/env node
const {run} = require('./right-node.js')

run('start', 'dask-k8s')
