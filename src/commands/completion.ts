import {Args} from '@oclif/core'
import {DaskCommand} from '../cli/command.ts'
import {completionScript, SHELLS, type Shell} from '../cli/completion-scripts.ts'
import {answer} from '../cli/output.ts'

export default class Completion extends DaskCommand {
  static override summary = 'Print what makes a shell complete dask-k8s.'
  static override description =
    'For "kubectl dask" nothing is needed but the program kubectl_complete-dask on the path and kubectl\'s own completion.\n'
  static override examples = [
    {description: 'bash: in ~/.bashrc write "source <(dask-k8s completion bash)"', command: 'completion bash'},
    {description: 'zsh: in ~/.zshrc, behind "compinit", write "source <(dask-k8s completion zsh)"', command: 'completion zsh'},
    {description: 'fish: write it to ~/.config/fish/completions/dask-k8s.fish', command: 'completion fish'},
  ]
  static override args = {shell: Args.string({description: 'The shell.', options: [...SHELLS], required: true, ignoreStdin: true})}

  async run(): Promise<void> {
    const {args} = await this.parse(Completion)
    answer(completionScript(args.shell as Shell))
  }
}
