import { randomBytes } from 'node:crypto';
import { Unreachable } from '../model/errors.ts';
import { inTime } from './in-time.ts';
import { quote, quoteWord } from './quote.ts';
import type { Session } from './session.ts';

/** How dom0 reaches a guest. */
export interface GuestRoute {
  readonly name: string;
  /** In the relay's directory: the socket of the connection that stays. */
  readonly socket: string;
  /** ssh(1)'s words, but for the socket: a shell in the guest, or the connection and nothing else. */
  readonly shell: readonly string[];
  readonly connection: readonly string[];
}

/** What came back from a guest: all that a script printed. */
export interface Said {
  readonly code: number;
  /** Over a connection that an earlier command had left. */
  readonly kept: boolean;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** How long a connection that stood has for its first word (ms): its guest may have been fenced since. */
const firstWordWithin = 5000;

/** How long a connection outlives its last use (s). */
const keptFor = 60;

/**
 * One shell on dom0 that carries the looks at all guests. A process of lab's own for each guest would cost a run that changes nothing
 * more than all the rest: Node forks slowly, and its memory is slow for a while after that (docs/benchmarks.md). Each script is one
 * session of ssh on dom0, over a connection that stays there; what it printed is passed on when it has ended.
 */
export class Relay {
  readonly session: Session;
  readonly #word = randomBytes(12).toString('hex');
  readonly #awaited = new Map<number, { resolve(said: Said): void; reject(why: Unreachable): void }>();
  /** Numbers of scripts that have ended: their files on dom0 serve again. */
  readonly #free: number[] = [];
  #numbers = 0;

  /**
   * @param session a shell on dom0, whose stderr nobody else reads
   * @param directory of dom0's, for the sockets
   */
  constructor(session: Session, directory: string) {
    this.session = session;
    session.relays = true;
    this.session.write(prologue(directory, this.#word));
    this.#listen().catch(() => {}); // its end shows in those who wait
  }

  /** It ended by itself: the connection to dom0 broke. */
  get broke(): boolean {
    return this.session.endedByItself;
  }

  /** Runs a script of sh in a guest. @throws Unreachable when dom0 is gone, or there is no answer in time (ms) */
  async run({ name, socket, shell }: GuestRoute, script: string, limit: number): Promise<Said> {
    let late: NodeJS.Timeout | undefined;
    const begin = (n: number) => {
      this.session.write(`look ${n} ${socket} ${quote(shell)} << '${this.#word}' 9>&- &\n${script}\n${this.#word}\n`);
      late = setTimeout(() => this.session.write(`doubt ${n} ${socket}\n`), firstWordWithin);
    };
    return this.#said(name, limit, begin).finally(() => clearTimeout(late));
  }

  /** Connects to a guest, if no connection stands. @throws Unreachable like run */
  async connect({ name, socket, connection }: GuestRoute, limit: number): Promise<Said> {
    return this.#said(name, limit, (n) => this.session.write(`connect ${n} ${socket} ${quote(connection)}\n`));
  }

  async #said(host: string, limit: number, begin: (n: number) => void): Promise<Said> {
    const n = this.#free.pop() ?? this.#numbers++;
    const said = new Promise<Said>((resolve, reject) => this.#awaited.set(n, { resolve, reject }));
    begin(n);
    const answer = await inTime(limit, host, () => Promise.race([said, this.session.end]));
    this.#free.push(n); // not that of one that is late: it may still write
    return answer;
  }

  async #listen(): Promise<never> {
    for (;;) {
      const [n, code, kept] = (await this.session.take('stderr', `\n${this.#word} `)).rest.split(' ');
      const { before: stdout } = await this.session.take('stderr', `\n${this.#word}`);
      const { before: stderr } = await this.session.take('stderr', `\n${this.#word}`);
      this.#awaited.get(Number(n))?.resolve({ code: Number(code), kept: kept !== 'new', stdout, stderr });
      this.#awaited.delete(Number(n));
    }
  }

  /** Nobody waits any more. The looks end by themselves. */
  giveUp(): void {
    for (const { reject } of this.#awaited.values()) reject(new Unreachable('dom0', 'broken off'));
    this.#awaited.clear();
  }
}

/**
 * What dom0's shell knows. Outputs go through files, since pipes of several guests would mix; a name in the FIFO tells whose are whole.
 * The files are gone with the shell, which ends with its stdin and with nothing else, and so is what it had begun: nobody hears of it
 * any more. Where the directory cannot be made, connections are kept for this shell alone.
 */
const prologue = (directory: string, word: string) => `umask 077
b=${quoteWord(directory)}
d=$b/looks.$$
mkdir -p "$d" 2> /dev/null || { d=$(mktemp -d) || exit; b=$d; }
unrelay() { rm -rf "$d"; }
mkfifo "$d/ended" || exit
printf '\\n%s\\n' ${word} > "$d/end"
while read -r n code kept; do
  printf '\\n%s %s %s %s\\n' ${word} "$n" "$code" "$kept"
  if [ "$kept" = stands ]; then
    printf '\\n%s\\n\\n%s\\n' ${word} ${word}
  else
    : > "$d/$n.kept"
    cat "$d/$n.out" "$d/end" "$d/$n.err" "$d/end"
  fi
done < "$d/ended" >&2 9>&- &
exec 3> "$d/ended"
look() {
  n=$1 socket=$b/$2 kept=new
  shift 2
  if [ -S "$socket" ]; then kept=kept; echo > "$d/$n.kept"; fi
  ssh -S "$socket" -o ControlMaster=auto -o ControlPersist=${keptFor} "$@" > "$d/$n.out" 2> "$d/$n.err" 3>&-
  echo "$n $? $kept" >&3
}
connect() {
  if [ -S "$b/$2" ]; then echo "$1 0 stands" >&3; else look "$@" < /dev/null 9>&- & fi
}
doubt() {
  [ ! -s "$d/$1.kept" ] || [ -s "$d/$1.out" ] || ssh -S "$b/$2" -O exit guest 2> /dev/null
}
`;
