import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {decodeTyped} from '../../../../src/sandbox/apiserver/decode.ts'
import {definitions, type Schema} from '../../../../src/sandbox/apiserver/schema.ts'
import {prune, withDefaults} from '../../../../src/sandbox/apiserver/structural.ts'
import {validateCustom} from '../../../../src/sandbox/apiserver/validate-schema.ts'

const SCHEMA: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['worker'],
      properties: {
        worker: {
          type: 'object',
          properties: {
            replicas: {type: 'integer', default: 3, minimum: 0},
            spec: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: {restartPolicy: {type: 'string'}}},
          },
        },
        port: {'x-kubernetes-int-or-string': true},
        color: {type: 'string', enum: ['red', 'green']},
        names: {type: 'array', items: {type: 'string', maxLength: 3}, maxItems: 2},
        limits: {type: 'object', additionalProperties: {type: 'string'}},
      },
    },
  },
}
const messages = (spec: unknown): readonly string[] => validateCustom(SCHEMA, {spec}).map(({field, message}) => `${field}: ${message}`)

describe('a structural schema', () => {
  it.each([
    [
      {worker: {replicas: 'x'}},
      'spec.worker.replicas: Invalid value: "string": spec.worker.replicas in body must be of type integer: "string"',
    ],
    [
      {worker: {replicas: -1}},
      'spec.worker.replicas: Invalid value: -1: spec.worker.replicas in body should be greater than or equal to 0',
    ],
    [{}, 'spec.worker: Required value'],
    [{worker: {}, port: true}, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
    [{worker: {}, color: 'blue'}, 'spec.color: Unsupported value: "blue": supported values: "red", "green"'],
    [{worker: {}, names: ['abcd']}, 'spec.names[0]: Too long: may not be more than 3 bytes'],
    [{worker: {}, names: ['a', 'b', 'c']}, 'spec.names: Too many: 3: must have at most 2 items'],
    [{worker: null}, 'spec.worker: Invalid value: "null": spec.worker in body must be of type object: "null"'],
    [
      {worker: {spec: {restartPolicy: 5}}},
      'spec.worker.spec.restartPolicy: Invalid value: "integer": spec.worker.spec.restartPolicy in body must be of type string: "integer"',
    ],
  ])('refuses %j in the words of the real server', (spec, message) => {
    expect(messages(spec)).toEqual([message])
  })

  it('fills in defaults, also for null, but not below what is absent', () => {
    expect(withDefaults(SCHEMA, {spec: {worker: {replicas: null}}})).toEqual({spec: {worker: {replicas: 3}}})
    expect(withDefaults(SCHEMA, {spec: {}})).toEqual({spec: {}})
  })

  it('drops unknown fields and tells their paths, but keeps them where the schema says so', () => {
    const {object, unknown} = prune(SCHEMA, {
      apiVersion: 'v1',
      extra: 1,
      metadata: {name: 'x', odd: 1},
      spec: {wroker: 1, worker: {spec: {any: {thing: 1}}}},
    })
    expect(object).toEqual({apiVersion: 'v1', metadata: {name: 'x'}, spec: {worker: {spec: {any: {thing: 1}}}}})
    expect(unknown).toEqual(['extra', 'metadata.odd', 'spec.wroker'])
  })

  it('never fails on any JSON, and prunes to a fixed point', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('spec', 'metadata', 'x'), fc.jsonValue()), (object) => {
        validateCustom(SCHEMA, object)
        const once = prune(SCHEMA, object)
        expect(prune(SCHEMA, once.object)).toEqual({object: once.object, unknown: []})
        const filled = withDefaults(SCHEMA, once.object)
        expect(withDefaults(SCHEMA, filled)).toEqual(filled)
      }),
    )
  })
})

describe('the typed decoder', () => {
  const POD = definitions['io.k8s.api.core.v1.Pod'] ?? {}
  const decode = (spec: object) => decodeTyped(POD, {spec} as never, 'Pod', 'v1')

  it('takes null as absent and a null argument as empty', () => {
    expect(decode({containers: [{name: 'a', env: null, args: ['x', null]}]}).object).toEqual({
      spec: {containers: [{name: 'a', args: ['x', '']}]},
    })
  })

  it('fills in the protocol of ports', () => {
    expect(decode({containers: [{name: 'a', ports: [{containerPort: 1}]}]}).object).toMatchObject({
      spec: {containers: [{ports: [{containerPort: 1, protocol: 'TCP'}]}]},
    })
  })

  it('tells unknown fields by path', () => {
    expect(decode({contianers: [], containers: [{name: 'a', evn: []}]}).unknown).toEqual(['spec.contianers', 'spec.containers[0].evn'])
  })

  it('refuses a wrong type as Go does', () => {
    expect(() => decode({containers: [{name: 'a', args: 'a b'}]})).toThrow(
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field Container.spec.containers.args of type []string',
    )
  })

  it('takes quantities and ports as numbers and as text', () => {
    const read = decode({containers: [{name: 'a', resources: {limits: {cpu: 1, memory: '1Gi'}}, livenessProbe: {httpGet: {port: 'http'}}}]})
    expect(read.unknown).toEqual([])
  })
})
