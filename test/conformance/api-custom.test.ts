import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {stand, until} from './ground.ts'
import {type Answer, APPLY, asking, gone, JSON_PATCH, MERGE, refusal as refusalOf, STRATEGIC} from './wire.ts'

/** Custom resources: what a definition makes of them. */

const {client, namespace} = stand('api-custom')
const ask = asking(client)
const GROUP = `${namespace}.example.org`
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const GADGETS = `/apis/${GROUP}/v1/namespaces/${namespace}/gadgets`

const rule = (text: string, extra: object = {}) => ({rule: text, ...extra})

const SPEC = {
  type: 'object',
  properties: {
    replicas: {type: 'integer', default: 1, minimum: 0},
    least: {type: 'integer'},
    most: {type: 'integer'},
    color: {type: 'string', enum: ['red', 'green'], maxLength: 10},
    note: {type: 'string', nullable: true},
    when: {type: 'string', format: 'date-time'},
    port: {'x-kubernetes-int-or-string': true},
    any: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true},
    limits: {type: 'object', additionalProperties: {type: 'string'}, maxProperties: 2},
    fixed: {type: 'string', maxLength: 20, 'x-kubernetes-validations': [rule('self == oldSelf', {message: 'fixed may not change'})]},
    grows: {
      type: 'integer',
      'x-kubernetes-validations': [
        rule('!oldSelf.hasValue() || self >= oldSelf.value()', {
          optionalOldSelf: true,
          messageExpression: 'self > 0 ? "grows may not shrink" : "grows may not be nothing"',
        }),
      ],
    },
    even: {
      type: 'integer',
      'x-kubernetes-validations': [rule('self % 2 == 0', {reason: 'FieldValueForbidden', message: 'even numbers only'})],
    },
    parts: {
      type: 'array',
      maxItems: 4,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: {type: 'string', maxLength: 10},
          size: {type: 'integer', 'x-kubernetes-validations': [rule('self == oldSelf')]},
        },
      },
    },
  },
  'x-kubernetes-validations': [
    rule('!has(self.least) || !has(self.most) || self.least <= self.most', {
      message: 'least must not be greater than most',
      fieldPath: '.least',
    }),
    rule('!has(self.color) || self.color != "green" || self.port == 1'),
    rule('!has(self.parts) || self.parts.size() == 0 || !has(self.parts[0].size) || self.parts[0].size > 0', {message: 'nothing first'}),
  ],
}

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {name: `gadgets.${GROUP}`},
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: {kind: 'Gadget', plural: 'gadgets', shortNames: ['gd'], categories: ['toys']},
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: SPEC,
              status: {type: 'object', properties: {replicas: {type: 'integer'}, selector: {type: 'string'}, phase: {type: 'string'}}},
            },
          },
        },
        subresources: {
          status: {},
          scale: {specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector'},
        },
        additionalPrinterColumns: [
          {name: 'Wanted', type: 'integer', jsonPath: '.spec.replicas'},
          {name: 'Phase', type: 'string', jsonPath: '.status.phase'},
        ],
      },
    ],
  },
}

const gadget = (name: string, spec: object = {}, extra: object = {}) => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'Gadget',
  metadata: {name},
  spec,
  ...extra,
})
const make = (name: string, spec: object = {}, query = ''): Promise<Answer> => ask('POST', `${GADGETS}${query}`, gadget(name, spec))
const change = (name: string, spec: object): Promise<Answer> => ask('PATCH', `${GADGETS}/${name}`, {spec}, MERGE)
/** Earlier versions of Kubernetes tell the type where later ones tell the value that breaks a rule, or nothing. */
const wordsOf = (message: unknown): unknown =>
  typeof message !== 'string' || process.env['KUBERNETES_VERSION'] === undefined
    ? message
    : message.replaceAll(/Invalid value: (?:"[^"]*"|\d+): /g, 'Invalid value: ')
const refusal = (answer: Answer): readonly unknown[] => refusalOf(answer).map(wordsOf)
const invalid = (name: string, why: string): readonly unknown[] => [422, 'Invalid', wordsOf(`Gadget.${GROUP} "${name}" is invalid: ${why}`)]

beforeAll(async () => {
  expect((await ask('POST', CRDS, DEFINITION)).code).toBe(201)
  await until(async () => (await ask('GET', GADGETS)).code === 200, 'the definition is served')
})
afterAll(async () => {
  await ask('DELETE', `${CRDS}/${DEFINITION.metadata.name}`)
})

describe('a custom resource', () => {
  it('is pruned, filled in, and told of what it lost', async () => {
    const {code, body, warnings} = await ask('POST', GADGETS, {
      ...gadget('pruned', {odd: 1, any: {thing: null}, note: null, color: null, parts: [{name: 'a', odd: 1}]}),
      status: {phase: 'x'},
    })
    expect([code, body.spec, body.status]).toEqual([201, {replicas: 1, any: {thing: null}, note: null, parts: [{name: 'a'}]}, undefined])
    expect(body.metadata.generation).toBe(1)
    expect(warnings).toEqual(['unknown field "spec.odd"', 'unknown field "spec.parts[0].odd"'])
  })

  it('is refused for unknown fields where that is asked for', async () => {
    const strict = await make('strict', {odd: 1}, '?fieldValidation=Strict')
    const why = `Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.odd"`
    expect(refusal(strict)).toEqual([400, 'BadRequest', why])
  })

  it.each([
    [{replicas: 'x'}, 'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
    [{replicas: -1}, 'spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0'],
    [{color: 'blue'}, 'spec.color: Unsupported value: "blue": supported values: "red", "green"'],
    [{port: true}, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
    [{limits: {a: '1', b: '2', c: '3'}}, 'spec.limits: Too many: 3: must have at most 2 items'],
    [{parts: [{}]}, 'spec.parts[0].name: Required value'],
    [{parts: [{name: 'a'}, {name: 'a'}]}, 'spec.parts[1]: Duplicate value: {"name":"a"}'],
  ])('whose spec is %j is refused in the same words', async (spec, why) => {
    const answer = await make('wrong', spec)
    expect([answer.code, answer.body.reason]).toEqual([422, 'Invalid'])
    expect(answer.body.message).toContain(why)
  })

  it('is changed by merge, JSON and apply patches, and not by strategic ones', async () => {
    await make('patched')
    expect((await change('patched', {replicas: 2})).body).toMatchObject({spec: {replicas: 2}, metadata: {generation: 2}})
    const replaced = await ask('PATCH', `${GADGETS}/patched`, [{op: 'replace', path: '/spec/replicas', value: 3}], JSON_PATCH)
    expect(replaced.body.spec.replicas).toBe(3)
    const accepted = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
    expect(refusal(await ask('PATCH', `${GADGETS}/patched`, {}, STRATEGIC))).toEqual([
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
    ])
    const applied = await ask('PATCH', `${GADGETS}/applied?fieldManager=me`, gadget('applied', {replicas: 2}), APPLY)
    const other = await ask('PATCH', `${GADGETS}/applied?fieldManager=you`, gadget('applied', {replicas: 3}), APPLY)
    expect([applied.code, refusal(other)]).toEqual([
      201,
      [409, 'Conflict', 'Apply failed with 1 conflict: conflict with "me": .spec.replicas'],
    ])
  })

  it('has a status that only its subresource writes, and a generation that only its spec moves', async () => {
    await make('told')
    expect((await ask('PATCH', `${GADGETS}/told`, {status: {phase: 'x'}}, MERGE)).body.status).toBeUndefined()
    const {body} = await ask('PATCH', `${GADGETS}/told/status`, {spec: {replicas: 9}, status: {phase: 'Fine'}}, MERGE)
    expect(body).toMatchObject({spec: {replicas: 1}, status: {phase: 'Fine'}, metadata: {generation: 1}})
    const same = await change('told', {replicas: 1})
    expect(same.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion)
    const labelled = await ask('PATCH', `${GADGETS}/told`, {metadata: {labels: {a: 'b'}}}, MERGE)
    expect(labelled.body.metadata.generation).toBe(1)
  })

  it('is scaled', async () => {
    await make('scaled')
    await ask('PATCH', `${GADGETS}/scaled/status`, {status: {replicas: 2, selector: 'a=b'}}, MERGE)
    const scale = await ask('GET', `${GADGETS}/scaled/scale`)
    expect(scale.body).toMatchObject({
      ...{kind: 'Scale', apiVersion: 'autoscaling/v1', spec: {replicas: 1}, status: {replicas: 2, selector: 'a=b'}},
    })
    expect((await ask('PUT', `${GADGETS}/scaled/scale`, {...scale.body, spec: {replicas: 4}})).body.spec).toEqual({replicas: 4})
    expect((await ask('GET', `${GADGETS}/scaled`)).body.spec.replicas).toBe(4)
  })

  it('is shown in its own columns', async () => {
    await make('shown')
    const accept = {accept: 'application/json;as=Table;v=v1;g=meta.k8s.io'}
    const {body} = await ask('GET', `${GADGETS}?fieldSelector=metadata.name%3Dshown`, undefined, accept)
    expect(body.columnDefinitions.map(({name, type}: {name: string; type: string}) => [name, type])).toEqual([
      ['Name', 'string'],
      ['Wanted', 'integer'],
      ['Phase', 'string'],
    ])
    expect(body.rows.map(({cells}: {cells: unknown}) => cells)).toEqual([['shown', 1, null]])
  })
})

describe('a rule of a definition', () => {
  it('refuses what breaks it, at the field that it names', async () => {
    const why = 'spec.least: Invalid value: least must not be greater than most'
    expect(refusal(await make('bounds', {least: 2, most: 1}))).toEqual(invalid('bounds', why))
    expect((await make('bounds', {least: 1, most: 1})).code).toBe(201)
  })

  it('without a message tells itself', async () => {
    const text = '!has(self.color) || self.color != "green" || self.port == 1'
    expect(refusal(await make('plain', {color: 'green', port: 2}))).toEqual(invalid('plain', `spec: Invalid value: failed rule: ${text}`))
    expect(refusal(await make('plain', {color: 'green'}))).toEqual(
      invalid('plain', `spec: Invalid value: "object": no such key: port evaluating rule: ${text}`),
    )
  })

  it('may look into lists', async () => {
    expect((await make('first', {parts: []})).code).toBe(201)
    expect((await change('first', {parts: [{name: 'a'}]})).code).toBe(200)
    expect(refusal(await make('looks', {parts: [{name: 'a', size: 0}]}))).toEqual(invalid('looks', 'spec: Invalid value: nothing first'))
  })

  it('that looks back is asked about changes only', async () => {
    expect((await make('fixed', {fixed: 'a'})).code).toBe(201)
    expect(refusal(await change('fixed', {fixed: 'b'}))).toEqual(invalid('fixed', 'spec.fixed: Invalid value: "b": fixed may not change'))
    expect((await change('fixed', {fixed: null})).code).toBe(200)
  })

  it('that may look back is asked always', async () => {
    expect((await make('grows', {grows: 2})).code).toBe(201)
    expect((await change('grows', {grows: 3})).code).toBe(200)
    expect(refusal(await change('grows', {grows: 1}))).toEqual(invalid('grows', 'spec.grows: Invalid value: 1: grows may not shrink'))
  })

  it('has the reason that it says', async () => {
    const {body} = await make('odd', {even: 3})
    expect(body.details.causes).toEqual([{reason: 'FieldValueForbidden', message: 'Forbidden: even numbers only', field: 'spec.even'}])
  })

  it('follows items of lists by their keys', async () => {
    await make('parts', {parts: [{name: 'a', size: 1}]})
    expect(
      (
        await change('parts', {
          parts: [
            {name: 'b', size: 2},
            {name: 'a', size: 1},
          ],
        })
      ).code,
    ).toBe(200)
    expect(refusal(await change('parts', {parts: [{name: 'a', size: 2}]}))).toEqual(
      invalid('parts', 'spec.parts[0].size: Invalid value: 2: failed rule: self == oldSelf'),
    )
  })

  it('is not asked about what has a wrong shape', async () => {
    const {body} = await make('shape', {least: 2, most: 1, color: 'blue'})
    const unchecked =
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
    expect(body.message).toBe(
      `Gadget.${GROUP} "shape" is invalid: [spec.color: Unsupported value: "blue": supported values: "red", "green", ${unchecked}]`,
    )
  })

  it('that nobody can read keeps its definition out', async () => {
    const broken = JSON.parse(
      JSON.stringify(DEFINITION).replaceAll('adget', 'izmo').replaceAll('"gd"', '"gz"').replace('self % 2 == 0', 'self %'),
    )
    const {code, body} = await ask('POST', CRDS, broken)
    expect([code, body.reason]).toEqual([422, 'Invalid'])
    expect(body.message).toMatch(
      /properties\[spec\]\.properties\[even\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: .*compilation failed/,
    )
  })
})

describe('a definition', () => {
  it('takes its objects with it, and is served no more', async () => {
    const other = JSON.parse(JSON.stringify(DEFINITION).replaceAll('adget', 'izmo').replaceAll('"gd"', '"gz"'))
    const path = `${CRDS}/${other.metadata.name}`
    const gizmos = GADGETS.replace('gadgets', 'gizmos')
    expect((await ask('POST', CRDS, other)).body.metadata.name).toBe(`gizmos.${GROUP}`)
    await until(async () => (await ask('GET', gizmos)).code === 200, 'it is served')
    const said = (await ask('GET', path)).body.status.conditions.map(({type, status}: Record<string, string>) => `${type} ${status}`)
    expect(said).toEqual(expect.arrayContaining(['NamesAccepted True', 'Established True']))
    expect(
      (await ask('POST', gizmos, {...gadget('held'), kind: 'Gizmo', metadata: {name: 'held', finalizers: ['example.org/hold']}})).code,
    ).toBe(201)
    const {code, body} = await ask('DELETE', path)
    expect([code, body.metadata.finalizers]).toEqual([200, ['customresourcecleanup.apiextensions.k8s.io']])
    await until(
      async () => (await ask('GET', `${gizmos}/held`)).body.metadata.deletionTimestamp !== undefined,
      'its object is being deleted',
    )
    await ask('PATCH', `${gizmos}/held`, {metadata: {finalizers: null}}, MERGE)
    await gone(ask, path, gizmos)
  })

  it.each([
    [
      'a name of another',
      {metadata: {name: 'other.example.org'}},
      'metadata.name: Invalid value: "other.example.org": must be spec.names.plural+"."+spec.group',
    ],
    ['an unknown scope', {scope: 'Galaxy'}, 'spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
  ])('with %s is refused', async (_, change, why) => {
    const {metadata = {name: `gizmos.${GROUP}`}, ...spec} = change as {metadata?: object}
    const other = JSON.parse(JSON.stringify(DEFINITION).replaceAll('adget', 'izmo').replaceAll('"gd"', '"gz"'))
    const {code, body} = await ask('POST', CRDS, {...other, metadata, spec: {...other.spec, ...spec}})
    expect([code, body.reason]).toEqual([422, 'Invalid'])
    expect(body.message).toContain(why)
  })
})
