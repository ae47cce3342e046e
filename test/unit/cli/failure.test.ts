import {describe, expect, it} from 'vitest'
import {CommandFailed, explain, type Place, sentence} from '../../../src/cli/failure.ts'
import {Interrupted} from '../../../src/cli/interruption.ts'
import {EXIT, Exit, UserError} from '../../../src/cli/user-error.ts'
import {ConnectionError, KubeError} from '../../../src/kube/errors.ts'

const PLACE: Place = {bin: 'kubectl dask', context: 'work', server: 'https://10.0.0.1:6443', namespace: 'team'}

const say = (error: unknown): {readonly text: string; readonly exitCode: number} => {
  const failure = explain(new CommandFailed(error, EXIT.failed, PLACE), {bin: 'x'})
  return {text: sentence(failure), exitCode: failure.exitCode}
}

describe('a failure is told in one sentence with its cause and the next step:', () => {
  it.each([
    [
      'an object that does not exist',
      new KubeError(404, 'NotFound', 'daskclusters.kubernetes.dask.org "demo" not found'),
      'error: no DaskCluster "demo" in namespace "team" (context "work"); "kubectl dask cluster list -A" shows those that there are',
      EXIT.notFound,
    ],
    [
      'a namespace that does not exist',
      new KubeError(404, 'NotFound', 'namespaces "team" not found'),
      'error: no namespace "team" (context "work"); "kubectl create namespace team" makes it',
      EXIT.notFound,
    ],
    [
      'missing CRDs',
      new KubeError(404, 'NotFound', 'the server could not find the requested resource'),
      'error: the Kubernetes API (context "work") does not know the resources of Dask: their definitions (CRDs) are not installed; ' +
        '"kubectl dask operator install" installs them and an operator, or "kubectl dask operator run --apply-crds" installs them and serves clusters from here',
      EXIT.failed,
    ],
    [
      'missing CRDs, as an old server tells it',
      new KubeError(404, 'NotFound', '404 page not found\n'),
      'error: the Kubernetes API (context "work") does not know the resources of Dask: their definitions (CRDs) are not installed; ' +
        '"kubectl dask operator install" installs them and an operator, or "kubectl dask operator run --apply-crds" installs them and serves clusters from here',
      EXIT.failed,
    ],
    [
      'expired credentials',
      new KubeError(401, 'Unauthorized', 'Unauthorized'),
      'error: the API server at https://10.0.0.1:6443 does not accept the credentials of context "work": they are wrong or expired; ' +
        'log in again, or try "kubectl --context work auth whoami"',
      EXIT.failed,
    ],
    [
      'no permission',
      new KubeError(
        403,
        'Forbidden',
        'daskclusters.kubernetes.dask.org is forbidden: User "eve" cannot list resource "daskclusters" in API group "kubernetes.dask.org"',
      ),
      'error: daskclusters.kubernetes.dask.org is forbidden: User "eve" cannot list resource "daskclusters" in API group "kubernetes.dask.org" (context "work"); ' +
        'ask the administrator of the cluster for this permission',
      EXIT.failed,
    ],
    [
      'an object that exists already',
      new KubeError(409, 'AlreadyExists', 'daskclusters.kubernetes.dask.org "demo" already exists'),
      'error: DaskCluster "demo" exists already (context "work"); choose another name, or delete that one first',
      EXIT.failed,
    ],
    [
      'a manifest that the server refuses',
      new KubeError(422, 'Invalid', 'DaskCluster.kubernetes.dask.org "x" is invalid: spec.worker.replicas: Invalid value: "string"'),
      'error: DaskCluster.kubernetes.dask.org "x" is invalid: spec.worker.replicas: Invalid value: "string" (context "work")',
      EXIT.failed,
    ],
    [
      'no server',
      new ConnectionError('connection refused'),
      'error: no answer from the Kubernetes API at https://10.0.0.1:6443 (context "work"): connection refused; ' +
        'is the cluster up and the right context chosen? "kubectl config get-contexts" lists them, --context takes one',
      EXIT.failed,
    ],
    ['a time-out', new UserError('after 5m, nothing', {exitCode: EXIT.timedOut}), 'error: after 5m, nothing', EXIT.timedOut],
    ['a bug', new TypeError('x is not\n a function'), 'error: x is not a function; DEBUG=1 shows where it came from', EXIT.failed],
  ])('%s', (_, error, text, exitCode) => {
    expect(say(error)).toEqual({text, exitCode})
  })

  it('asks the kubeconfig that the call named who it is', () => {
    const error = new KubeError(401, 'Unauthorized', 'Unauthorized')
    expect(explain(error, {...PLACE, kubeconfig: 'other'}).next).toContain('try "kubectl --kubeconfig other --context work auth whoami"')
  })

  it('takes the exit code of a command whose other codes are a program’s', () => {
    const failed = new CommandFailed(new KubeError(500, 'InternalError', 'boom'), EXIT.ownFailure, PLACE)
    expect(explain(failed, {bin: 'x'}).exitCode).toBe(125)
    expect(explain(new CommandFailed(new UserError('x', {exitCode: EXIT.usage}), EXIT.ownFailure, PLACE), {bin: 'x'}).exitCode).toBe(2)
  })

  it.each([1, 7])('leaves a program its own code, %i', (code) => {
    expect(explain(new CommandFailed(new Exit(code), EXIT.ownFailure, PLACE), {bin: 'x'}).exitCode).toBe(code)
  })

  it('says nothing where all has been said', () => {
    expect(explain(new Exit(7), PLACE)).toMatchObject({message: '', exitCode: 7})
    expect(explain(new Interrupted(130), PLACE)).toMatchObject({message: '', exitCode: 130})
  })
})
