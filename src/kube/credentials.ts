import type {ClientConfig} from './config.ts'
import {CredentialError} from './errors.ts'
import {inPlainWords} from './failure.ts'

/** Why there are no credentials for a server: its plugin is not there, fails, or gives none; or a file is missing. */
export function noCredentials({kubeConfig}: ClientConfig, server: string, error: unknown): CredentialError {
  const exec = kubeConfig.getCurrentUser()?.exec as {readonly command?: string; readonly installHint?: string} | undefined
  const {code, syscall = '', path} = error as NodeJS.ErrnoException
  const said = (fact: string, hint?: string): CredentialError =>
    new CredentialError(`no credentials for ${server}: ${fact}`, {cause: error, ...(hint?.trim() && {hint: hint.trim()})})
  if (code === 'ENOENT' && !syscall.startsWith('spawn') && path !== undefined) return said(`there is no file "${path}"`)
  if (!exec?.command) return said(inPlainWords(error))
  const plugin = `the credential plugin "${exec.command}"`
  if (code === 'ENOENT') return said(`${plugin} is not installed`, exec.installHint)
  if (code === 'EACCES') return said(`${plugin} may not be run`)
  if (error instanceof TypeError || error instanceof SyntaxError) return said(`${plugin} answered with something that is no ExecCredential`)
  const words = error instanceof Error ? error.message.trim() : String(error)
  return said(`${plugin} failed${words ? `: ${words}` : ' and did not say why'}`)
}
