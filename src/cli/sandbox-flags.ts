import {Flags} from '@oclif/core'
import {usageError} from './user-error.ts'

/** The name is that of a folder and of a context as well. */
const parseSandboxName = (text: string): string => {
  if (text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)) return text
  throw usageError(`"${text}" is no name of a sandbox`, 'take at most 63 small letters, digits and hyphens, like "second"')
}

/** Which sandbox a command is about. */
export const sandboxName = Flags.custom<string>({parse: async (text) => parseSandboxName(text)})({
  default: 'default',
  helpValue: 'NAME',
  summary: 'Name of the sandbox, where there are several.',
})

export const ownOperator = Flags.boolean({
  allowNo: true,
  default: true,
  summary: 'Serve it by an operator of its own (that is the default); without, as an empty Kubernetes.',
})
