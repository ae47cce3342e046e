import type {EnvVar, PodSpec} from './core.ts'

/** The pod spec with `env` at the end of every container's own (not of init containers), except for names that the container sets itself (contract 2.2). */
export const withEnv = (spec: PodSpec, env: readonly EnvVar[]): PodSpec => ({
  ...spec,
  containers: spec.containers.map((container) => {
    const own = container.env ?? []
    const missing = env.filter(({name}) => !own.some((variable) => variable.name === name))
    return missing.length === 0 ? container : {...container, env: [...own, ...missing]}
  }),
})
