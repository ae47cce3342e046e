import {Flags} from '@oclif/core'

/** Which sandbox a command is about. */
export const sandboxName = Flags.string({default: 'default', helpValue: 'NAME', summary: 'Name of the sandbox, where there are several.'})
