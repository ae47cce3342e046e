import type {DocumentOptions, SchemaOptions, Tags} from 'yaml'

/**
 * YAML as Kubernetes reads it: version 1.1, in which `yes` is true and `0400` is octal, but without base 60 (`22:30` is a text) and with times as texts
 * (github.com/kubernetes-sigs/yaml).
 */
export const KUBERNETES_YAML: DocumentOptions & SchemaOptions = {
  version: '1.1',
  customTags: (tags): Tags =>
    tags.filter(
      (tag) => typeof tag === 'string' || !(tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME')),
    ),
}
