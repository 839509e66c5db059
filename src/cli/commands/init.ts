import { access, writeFile } from 'node:fs/promises';
import { BadInput, Interrupted } from '../../model/errors.ts';
import { readLab } from '../../spec/read.ts';
import { type Answers, DEFAULT_ANSWERS, labYaml } from '../../spec/template.ts';
import { readWhere, showWhere } from '../where.ts';

export interface InitOptions {
  readonly yes?: boolean;
  readonly file: string;
}

/** Where questions are asked. */
export interface InitIo {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

/**
 * `lab init`: writes a commented lab.yaml, after asking. Nothing that exists is overwritten.
 * @throws BadInput without a terminal to ask on, or if the file exists
 */
export async function init({ yes = false, file }: InitOptions, io: InitIo = process): Promise<void> {
  const { stdin, stdout } = io;
  if (!yes && !(stdin.isTTY && stdout.isTTY)) {
    const hint = 'lab init --yes takes the document’s lab: lolcats, of molly and frederick.';
    throw new BadInput([{ place: { file: 'lab init' }, message: 'there is no terminal to ask on', hint }]);
  }
  // Whoever would answer in vain is told before; what counts is the `wx` below.
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw inTheWay(file);
  const answers = yes ? DEFAULT_ANSWERS : await askAll(io);
  await writeFile(file, labYaml(answers), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw inTheWay(file);
    throw new BadInput([{ place: { file }, message: `cannot be written: ${error.message}` }]);
  });
  const option = file === 'lab.yaml' ? '' : ` --file ${file}`;
  stdout.write(`${file} is written. What it would do: lab up${option} --dry-run\n`);
}

function inTheWay(file: string): BadInput {
  const hint = 'Move it away, or name another one with --file.';
  return new BadInput([{ place: { file }, message: 'exists already, and is not overwritten', hint }]);
}

/** What is wrong with answers, in the words that lab.yaml's own complaints have; true if nothing is. */
export function judged(answers: Answers): true | string {
  try {
    readLab(labYaml(answers), 'lab.yaml');
    return true;
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    const [{ message, hint } = { message: error.message, hint: undefined }] = error.complaints;
    return hint === undefined ? message : `${message}; ${hint}`;
  }
}

/** `molly, frederick` and `molly frederick` → two names. */
function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Every question is judged together with the answers before it: two guests may clash with the name, or not fit the subnet. */
async function askAll(streams: InitIo): Promise<Answers> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ input: streams.stdin, output: streams.stdout });
  const ask = async (message: string, proposed: string, validate: (answer: string) => true | string) => {
    const question = { type: 'input', name: 'answer', message, default: proposed, validate } as const;
    return (await prompt<{ answer: string }>([question])).answer.trim();
  };
  let answers: Answers = { ...DEFAULT_ANSWERS };
  const take = async (message: string, proposed: string, put: (answer: string) => Partial<Answers>) => {
    const answer = await ask(message, proposed, (text) => judged({ ...answers, ...put(text.trim()) }));
    answers = { ...answers, ...put(answer) };
  };
  const here = showWhere(readWhere(undefined, 'here'));
  try {
    await take('Name of the cluster:', answers.name, (name) => ({ name }));
    await take('Guests:', answers.guests.join(', '), (names) => ({ guests: namesIn(names) }));
    await take('Memory of each guest:', answers.memory, (memory) => ({ memory }));
    await take('Where is the dom0 (local, sandbox, ssh://[user@]host[:port]):', here, (host) => ({ host }));
    await take('Subnet of the guests:', answers.subnet, (subnet) => ({ subnet }));
    return answers;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw new Interrupted('interrupted; nothing was written');
    throw error;
  }
}
