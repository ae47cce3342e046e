/** Requests that ask something and store nothing. Everybody who has a token may do everything in a sandbox. */
import {noSuchResource} from './errors.ts'
import {isObject, type JsonObject} from './json.ts'

export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

interface Review {
  readonly group: string
  readonly plural: string
  readonly kind: string
  readonly answer: (user: User) => JsonObject
}

const ALL = ['*']
const allowed = (): JsonObject => ({allowed: true, reason: 'the sandbox allows everything'})

export const REVIEWS: readonly Review[] = [
  {group: 'authorization.k8s.io', plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview', answer: allowed},
  {group: 'authorization.k8s.io', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview', answer: allowed},
  {
    group: 'authorization.k8s.io',
    plural: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    answer: () => ({
      resourceRules: [{verbs: ALL, apiGroups: ALL, resources: ALL}],
      nonResourceRules: [{verbs: ALL, nonResourceURLs: ALL}],
      incomplete: false,
    }),
  },
  {
    group: 'authentication.k8s.io',
    plural: 'selfsubjectreviews',
    kind: 'SelfSubjectReview',
    answer: ({name, groups}) => ({userInfo: {username: name, groups}}),
  },
]

export const reviewAt = (group: string, plural: string): Review | undefined =>
  REVIEWS.find((each) => each.group === group && each.plural === plural)

export function answerReview(group: string, plural: string, body: unknown, user: User): JsonObject {
  const review = reviewAt(group, plural)
  if (!review || !isObject(body)) throw noSuchResource()
  return {...body, kind: review.kind, apiVersion: `${group}/v1`, metadata: {}, status: review.answer(user)}
}
