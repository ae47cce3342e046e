/**
 * `$(NAME)` in env values, command and args: replaced where NAME is known, left as it is where not; `$$` stands for `$`.
 * Source: Kubernetes, "Define Dependent Environment Variables".
 */
export const expand = (text: string, variables: ReadonlyMap<string, string>): string =>
  text.replace(/\$(?:\$|\(([^)]*)\))/g, (match, name: string | undefined) => (name === undefined ? '$' : (variables.get(name) ?? match)))
