#!/usr/bin/env node
import {run} from './right-node.js'

run('main.js', 'kubectl dask')
