import {expect, it} from 'vitest'
import {partAnnotation, partMetadataPatch} from '../../../src/api/part-metadata.ts'

const NOTE = 'kubernetes.dask.org/part-metadata'

it('leaves an object alone whose part gives what it gave before', () => {
  const part = {labels: {team: 'red'}, annotations: {note: 'x'}}
  const live = {name: 'p', labels: {team: 'red'}, annotations: partAnnotation(part)}
  expect(partMetadataPatch(live, {labels: {team: 'red'}}, {annotations: {note: 'x'}, labels: {team: 'red'}})).toBeUndefined()
  expect(partMetadataPatch({name: 'p'}, {labels: {from: 'parent'}}, {})).toBeUndefined()
})

it('gives what is new, and takes back what the part no longer gives', () => {
  const live = {name: 'p', annotations: partAnnotation({labels: {team: 'red', tier: 'low'}})}
  const patch = partMetadataPatch(live, {labels: {team: 'blue', app: 'dask'}}, {labels: {team: 'blue'}})
  expect(patch).toMatchObject({labels: {team: 'blue', tier: null}, annotations: {[NOTE]: expect.stringContaining('blue')}})
})

it('puts back what the parent gives where the part hid it', () => {
  const live = {name: 'p', annotations: partAnnotation({labels: {team: 'red'}})}
  expect(partMetadataPatch(live, {labels: {team: 'parent'}}, undefined)).toEqual({
    labels: {team: 'parent'},
    annotations: {[NOTE]: null},
  })
})

it('forgets what it cannot read', () => {
  expect(partMetadataPatch({name: 'p', annotations: {[NOTE]: '{'}}, {labels: {team: 'a'}}, {labels: {team: 'a'}})).toMatchObject({
    labels: {team: 'a'},
  })
})
