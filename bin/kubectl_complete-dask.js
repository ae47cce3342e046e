#!/usr/bin/env node
import {run} from './right-node.js'

run('complete.js', 'kubectl_complete-dask')
