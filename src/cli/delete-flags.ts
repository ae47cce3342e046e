import {Flags} from '@oclif/core'
import {dryRunFlag, nameFlag, timeoutFlag} from './flags.ts'

/** The flags of every `delete`. */
export const deleteFlags = {
  all: Flags.boolean({summary: 'All of the namespace.'}),
  selector: Flags.string({char: 'l', helpValue: 'LABELS', summary: 'Those with these labels, like team=ml.'}),
  filename: Flags.string({
    char: 'f',
    helpValue: 'FILE',
    summary: 'Those of these manifests: a file, a directory, or - for standard input.',
  }),
  yes: Flags.boolean({char: 'y', summary: 'Do not ask.'}),
  wait: Flags.boolean({allowNo: true, default: true, summary: 'Wait until they and their pods are gone (that is the default).'}),
  timeout: timeoutFlag('5m'),
  cascade: Flags.string({
    options: ['background', 'foreground'],
    helpValue: 'background|foreground',
    summary: 'background (default), or foreground: they stay until all that belongs to them is gone.',
  }),
  'ignore-not-found': Flags.boolean({summary: 'It is no failure when one does not exist.'}),
  'dry-run': dryRunFlag,
  output: nameFlag,
}
