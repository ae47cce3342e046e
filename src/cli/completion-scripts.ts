export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/**
 * What a shell loads so that it completes `dask-k8s`: it asks `kubectl_complete-dask`, which answers as cobra's programs do,
 * one candidate a line (a tab before its meaning), then `:4`, or `:0` where files may follow.
 */
export const completionScript = (shell: Shell): string => SCRIPTS[shell]

const BASH = `# bash completion for dask-k8s
_dask_k8s() {
  local line directive words
  words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then directive=\${line#:}; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <(kubectl_complete-dask "\${words[@]}" 2>/dev/null)
  if [[ $directive == 0 && \${#COMPREPLY[@]} -eq 0 ]]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  elif [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace
  fi
}
complete -F _dask_k8s dask-k8s
`

const ZSH = `#compdef dask-k8s
# zsh completion for dask-k8s
_dask_k8s() {
  local line directive
  local -a found
  while IFS= read -r line; do
    if [[ $line == :* ]]; then directive=\${line#:}; else found+=("\${\${line%%$'\\t'*}//:/\\\\:}\${line[(r)$'\\t']:+:\${line#*$'\\t'}}"); fi
  done < <(kubectl_complete-dask "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if [[ $directive == 0 && \${#found} -eq 0 ]]; then _files; else _describe 'dask-k8s' found; fi
}
compdef _dask_k8s dask-k8s
`

const FISH = `# fish completion for dask-k8s
function __dask_k8s
  set -l words (commandline -opc) (commandline -ct)
  kubectl_complete-dask $words[2..-1] 2>/dev/null | string match -v -r '^:'
end
function __dask_k8s_takes_files
  set -l words (commandline -opc) (commandline -ct)
  kubectl_complete-dask $words[2..-1] 2>/dev/null | string match -q ':0'
end
complete -c dask-k8s -f -a '(__dask_k8s)'
complete -c dask-k8s -n __dask_k8s_takes_files -F
`

const SCRIPTS: Readonly<Record<Shell, string>> = {bash: BASH, zsh: ZSH, fish: FISH}
