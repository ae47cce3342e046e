import {Command, type Config, type Interfaces, Parser} from '@oclif/core'
import {nounOf, splitAtDashes, typedName} from './argv.ts'
import {type Connection, openConnection} from './connection.ts'
import {CommandFailed, explain, type Place, sentence} from './failure.ts'
import {type GlobalFlags, globalFlags} from './flags.ts'
import {type Interruption, watchInterruption} from './interruption.ts'
import {tell} from './output.ts'
import {usageFailure} from './usage-failure.ts'
import {EXIT, usageError} from './user-error.ts'

const PLACE = ['context', 'kubeconfig', 'cluster', 'user'] as const

const typedAgain = (flags: GlobalFlags, names: readonly (keyof GlobalFlags)[]): readonly string[] =>
  names.flatMap((name) => (flags[name] === undefined ? [] : [`--${name}`, quoted(String(flags[name]))]))

/** As a shell takes it for one word. */
const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** What every command shares: kubectl's flags, one connection that is closed at the end, and Ctrl-C as an AbortSignal. */
export abstract class DaskCommand extends Command {
  static override baseFlags = globalFlags

  /** Whether a command of somebody else stands behind `--`; where none does, `--` only ends the flags, as with kubectl. */
  static readonly takesCommand: boolean = false

  /** The exit code of a failure that has none of its own. */
  protected readonly failedWith: number = EXIT.failed

  #connection: Connection | undefined
  #interruption: Interruption | undefined

  /** Flags of this call that say which cluster is meant, as they would be typed again. */
  #place: readonly string[] = []
  #namespace: readonly string[] = []
  #kubeconfig: string | undefined

  /**
   * The program as it was called, `kubectl dask` or `dask-k8s`, with what it was told of where: whoever copies the next step
   * meets the same cluster. Flags may stand before the noun.
   */
  protected get bin(): string {
    return [this.config.bin, ...this.#place, ...this.#namespace].join(' ')
  }

  /** The same for steps that name their namespace themselves. */
  protected get binAnywhere(): string {
    return [this.config.bin, ...this.#place].join(' ')
  }

  /** Aborted by Ctrl-C; the command then puts things in order and ends with exit code 130. */
  protected get signal(): AbortSignal {
    return this.#interrupted().signal
  }

  /** Where the exit code is somebody else's, an output that nobody reads any more is no success of his. */
  #interrupted(): Interruption {
    this.#interruption ??= watchInterruption(this.failedWith === EXIT.ownFailure)
    return this.#interruption
  }

  /** The command behind `--`, untouched; `undefined` without a `--`. */
  protected readonly tail: readonly string[] | undefined

  constructor(argv: string[], config: Config) {
    const {before, after} = new.target.takesCommand ? splitAtDashes(argv) : {before: argv, after: undefined}
    super([...before], config)
    this.tail = after
  }

  /**
   * The call by the command's own flags and arguments. Throws a usage error in one sentence.
   * The parser is oclif's; its hooks for plugins, which we have none of, are left out.
   */
  protected override async parse<
    F extends Interfaces.OutputFlags<F>,
    B extends Interfaces.OutputFlags<B>,
    A extends Interfaces.OutputArgs<A>,
  >(options: Interfaces.Input<F, B, A>, argv: string[] = this.argv): Promise<Interfaces.ParserOutput<F, B, A>> {
    const flags = {...options.baseFlags, ...options.flags} as Interfaces.FlagInput<F>
    try {
      const parsed: Interfaces.ParserOutput<F, B, A> = await Parser.parse(argv, {...options, flags})
      this.#takeTypedNames(parsed.args)
      this.#place = typedAgain(parsed.flags as GlobalFlags, PLACE)
      this.#kubeconfig = (parsed.flags as GlobalFlags).kubeconfig
      this.#namespace = typedAgain(parsed.flags as GlobalFlags, ['namespace'])
      return parsed
    } catch (error) {
      const known = Object.keys(flags).map((name) => `--${name}`)
      throw usageFailure(error, {command: `${this.config.bin} ${this.id?.replaceAll(':', ' ') ?? ''}`, known, argv})
    }
  }

  /** A name may have its type before it, as `-o name` writes it. */
  #takeTypedNames(args: {name?: unknown}): void {
    const noun = this.id?.split(':').map(nounOf).find(Boolean)
    const bare = (word: string): string => {
      const typed = typedName(word)
      if (!typed) return word
      if (typed.noun === noun) return typed.name
      throw usageError(`"${word}" is no ${noun}`)
    }
    if (typeof args.name === 'string') args.name = bare(args.name)
    else if (Array.isArray(args.name)) args.name = args.name.map(bare)
  }

  /** The connection of this call; the same one each time. `isForMany`: for many requests at once, as the operator's; it takes longer to open. */
  protected async connect(flags: GlobalFlags, isForMany = false): Promise<Connection> {
    this.#connection ??= await openConnection(flags, isForMany)
    return this.#connection
  }

  /** Tells of one thing that failed where others go on. */
  protected tellFailure(what: string, error: unknown): void {
    const failure = explain(error, this.#where())
    tell(sentence({...failure, message: `${what}: ${failure.message}`}))
  }

  #where(): Place {
    const {client, namespace} = this.#connection ?? {}
    return {
      bin: this.bin,
      kubeconfig: this.#kubeconfig,
      ...(client && {context: client.context, server: client.server}),
      ...(namespace && {namespace}),
    }
  }

  /** Runs the command to its end. Rejects with `CommandFailed`, which knows where the command was talking to. */
  async execute(): Promise<void> {
    // From here on Ctrl-C ends the command in order: never between two writes that belong together.
    const interruption = this.#interrupted()
    try {
      await this.run()
    } catch (error) {
      // Loaded here: most commands do not fail.
      const {nearNames} = await import('./near-names.ts')
      const near = await nearNames(error, this.#connection)
      throw new CommandFailed(error, this.failedWith, {...this.#where(), near})
    } finally {
      interruption.stop()
      await this.#connection?.client.close()
    }
  }
}
