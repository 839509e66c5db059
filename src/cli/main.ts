import { Command, CommanderError, Option } from 'commander';
import { version } from '../../package.json';
import { LabError } from '../model/errors.ts';
import { closeOpened } from './opened.ts';
import { streams, tell, warn } from './output.ts';

/*
 * The command line: names, flags and help. What a command does is loaded when it is called, so that `lab --help` costs nothing
 * but this file.
 */

export { allIsOut } from './output.ts';

const where = 'where the dom0 is: local, sandbox, ssh://[user@]host[:port] or simulated:DIR';

/** A command that works on a lab. */
function labCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      '-f, --file <lab.yaml>',
      'the lab; default: lab.yaml here, else the document’s (lolcats: molly and frederick)',
    )
    .option('--host <WHERE>', where);
}

const json = () => new Option('--json', 'one JSON object a line');
const repeated = (value: string, before: readonly string[] = []) => [...before, value];

/**
 * @param asked the command that is asked for: to make the others, too, takes longer than to run some
 * @param exit told the exit code of the command that ran
 */
function program(asked: string | undefined, exit: (code: number) => void): Command {
  const lab = new Command('lab')
    .description('Turns one machine into a virtual-machine cluster with working fencing.')
    .version(version)
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  lab up --dry-run             read what would be done: every command, every file
  lab up                       do it; on a machine without Xen, in a box with a real dom0
  lab ssh molly -- crm_mon -1  look into a guest
  lab fence-test               prove again that fencing works
  lab doctor                   why fencing does not work, and what cures it
  lab down                     stop the cluster, then the guests
  lab init                     write a lab.yaml of your own

Exit codes: 0 done or nothing to do; 1 a step failed; 2 bad input, nothing touched;
            4 another run holds the lab; 130 interrupted (lab up goes on from there).`,
    );

  const commands = commandsOf(exit);
  const known = asked !== undefined && Object.hasOwn(commands, asked);
  for (const [name, command] of Object.entries(commands)) if (!known || name === asked) lab.addCommand(command());
  return lab;
}

/** The commands, by their names. @param exit told the exit code of the one that ran */
function commandsOf(exit: (code: number) => void): Readonly<Record<string, () => Command>> {
  return {
    up: () =>
      labCommand('up', 'make the lab so: what is there already stays')
        .option('--dry-run', 'show every command and file, change nothing')
        .option('--yes', 'agree beforehand to whatever would be lost; what was edited by hand stays beside it')
        .option('--adopt <NAME>', 'take over a domain or a file that lab did not make (repeatable)', repeated)
        .addOption(json())
        .option('--only <CHAPTER>', 'one chapter of the document, e.g. 4 (repeatable)', repeated)
        .option('--trace', 'tell the round trips to each host in the end')
        .option('--timeline [FILE.svg]', 'tell in the end what ran when, and the critical path; with a file, draw it')
        .addHelpText(
          'after',
          '\nExamples:\n  lab up --dry-run --host simulated:/tmp/world\n  lab up --only 7 --only 8\n  lab up --host ssh://root@ayanami --file mylab.yaml\n  lab up --adopt molly --adopt /guests/molly.img',
        )
        .action(async (options) => exit(await (await import('./commands/up.ts')).upCommand(options))),
    status: () =>
      labCommand('status', 'what there is: dom0, guests, cluster, fencing')
        .addOption(json())
        .action(async (options) => exit(await (await import('./commands/status.ts')).statusCommand(options))),
    'fence-test': () =>
      labCommand('fence-test', 'prove again that each guest can fence the other (nobody is fenced)')
        .option('--real <guest>', 'really fence a guest, through the cluster; then bring it back in')
        .option('--off', 'with --real: power it off, instead of a reboot')
        .option('--direct', 'with --real: ask the fencing host (fence_xvm), past the cluster')
        .option('--crash <guest>', 'stop a guest dead: the cluster has to find out, and to fence it')
        .addOption(
          new Option('--by <how>', 'with --crash: its kernel panics, or its domain is paused or destroyed')
            .choices(['panic', 'pause', 'destroy'])
            .default(undefined, 'panic'),
        )
        .option('--split', 'part the guests: one of them has to fence the other')
        .option('--yes', 'agree beforehand to the power being cut')
        .option('--dry-run', 'show what would be done')
        .addOption(json())
        .addHelpText(
          'after',
          '\nExamples:\n  lab fence-test\n  lab fence-test --real frederick\n  lab fence-test --real frederick --off --direct\n  lab fence-test --crash molly --by pause\n  lab fence-test --split --yes',
        )
        .action(async (options) => {
          const { real, off, direct, crash, by, split } = options;
          if ([real, off, direct, crash, by, split].some((choice) => choice !== undefined))
            exit(await (await import('./commands/ordeal.ts')).realFenceTest(options));
          else exit(await (await import('./commands/lab.ts')).fenceTestCommand(options));
        }),
    doctor: () =>
      labCommand('doctor', 'why fencing does not work: layer by layer, the one cause, and its cure')
        .option('--fix', 'make the cure, if it is one that lab can make, and look again')
        .addOption(json())
        .addHelpText(
          'after',
          `
It only looks, needs no lock, and works while everything else is broken; at the end it tries the path with a
null operation, which fences nobody. Exit codes: 0 all layers hold; 1 a cause was found, or not all could be seen.

Examples:
  lab doctor
  lab doctor --fix
  lab doctor --json | jq -r 'select(.event == "diagnosis") | .cause.name'`,
        )
        .action(async (options) => exit(await (await import('./commands/doctor.ts')).doctorCommand(options))),
    ssh: () =>
      labCommand('ssh', 'a shell in a guest, or one command')
        .argument('<guest>')
        .argument('[command...]')
        .addHelpText('after', '\nExamples:\n  lab ssh molly\n  lab ssh molly -- corosync-quorumtool -s')
        .action(async (guest, command, options) =>
          exit(await (await import('./commands/guests.ts')).sshCommand(guest, command, options)),
        ),
    console: () =>
      labCommand('console', 'the console of a guest; leave it with Ctrl-]')
        .argument('<guest>')
        .action(async (guest, options) =>
          exit(await (await import('./commands/guests.ts')).consoleCommand(guest, options)),
        ),
    down: () =>
      labCommand('down', 'stop the cluster on all guests, then the guests')
        .option('--dry-run', 'show what would be done')
        .addOption(json())
        .action(async (options) => exit(await (await import('./commands/lab.ts')).downCommand(options))),
    destroy: () =>
      labCommand('destroy', 'remove what carries this lab’s mark; lists it first')
        .option('--name <LAB>', 'which lab, without its lab.yaml: what is on the dom0 is enough')
        .option('--yes', 'do not ask')
        .option('--dry-run', 'show what would be removed')
        .addOption(json())
        .action(async (options) => exit(await (await import('./commands/lab.ts')).destroyCommand(options))),
    disconnect: () =>
      labCommand(
        'disconnect',
        'end the connections that are kept for a minute after each command: to a dom0 (ssh://), and from it to its guests',
      ).action(async (options) => (await import('./commands/disconnect.ts')).disconnectCommand(options)),
    sandbox: () => sandbox(exit),
    snapshot: () => snapshot(exit),
    rewrite: () =>
      new Command('rewrite')
        .description(
          'edit a Xen domain file (xm or xl): what is not asked for stays as it is; the result goes to stdout',
        )
        .argument('<file>', 'the domain file; - for stdin')
        .option('--name <name>')
        .option('--uuid <uuid|new>')
        .option('--disk <spec>', 'a disk, e.g. tap:aio:/guests/molly.img,xvda,w (repeatable)', repeated)
        .option('--vif <spec>', 'a network card, e.g. mac=00:16:3e:00:cf:fe,bridge=xenbr0 (repeatable)', repeated)
        .option('--annotate', 'keep the old lines as comments')
        .addHelpText('after', '\nExample:\n  lab rewrite /etc/xen/Default --name molly --uuid new --annotate')
        .action(async (file, options) => {
          const { rewrite, realIo } = await import('./commands/rewrite.ts');
          await rewrite(file, options, realIo);
        }),
    init: () =>
      new Command('init')
        .description('write a commented lab.yaml, after a few questions')
        .option('--yes', 'do not ask: the document’s lab')
        .option('-f, --file <lab.yaml>', 'where to', 'lab.yaml')
        .action(async (options) => (await import('./commands/init.ts')).init(options)),
    schema: () =>
      new Command('schema')
        .description('the JSON Schema of lab.yaml')
        .action(async () => (await import('./commands/schema.ts')).schema(streams().stdout)),
  };
}

function sandbox(exit: (code: number) => void): Command {
  const commands = new Command('sandbox').description('the box with a real Xen dom0 that lab up --host sandbox uses');
  const command = (name: string, description: string) =>
    new Command(name).description(description).option('-f, --file <lab.yaml>', 'the lab whose sandbox it is');
  const run = () => import('./commands/sandbox.ts');
  commands.addCommand(
    command('up', 'build and boot dom0')
      .option('--dry-run', 'show what would be done')
      .addOption(json())
      .action(async (options) => exit(await (await run()).sandboxUp(options))),
  );
  commands.addCommand(
    command('down', 'stop the guests, then dom0')
      .addOption(json())
      .action(async (options) => exit(await (await run()).sandboxDownCommand(options))),
  );
  commands.addCommand(
    command('ssh', 'a shell on dom0, or one command')
      .argument('[command...]')
      .action(async (argv, options) => exit(await (await run()).sandboxSsh(argv, options))),
  );
  commands.addCommand(
    command('destroy', 'remove the sandbox with all its guests; the cached images stay')
      .addOption(json())
      .action(async (options) => exit(await (await run()).sandboxDestroyCommand(options))),
  );
  commands.addCommand(
    command('status', 'whether it runs, and where its files are')
      .addOption(json())
      .action(async (options) => exit(await (await run()).sandboxStatus(options))),
  );
  return commands;
}

function snapshot(exit: (code: number) => void): Command {
  const commands = new Command('snapshot')
    .description('the whole lab in a sandbox at one point in time: dom0, guests, memory and disks')
    .addHelpText(
      'after',
      '\nExamples:\n  lab snapshot save clean\n  lab fence-test --split --yes\n  lab snapshot restore clean --yes',
    );
  const run = () => import('./commands/snapshot.ts');
  commands.addCommand(
    labCommand('save', 'save it as it is now')
      .argument('<name>')
      .addOption(json())
      .action(async (name, options) => exit(await (await run()).snapshotSave(name, options))),
  );
  commands.addCommand(
    labCommand('list', 'what was saved, and when')
      .addOption(json())
      .action(async (options) => exit(await (await run()).snapshotList(options))),
  );
  commands.addCommand(
    labCommand('restore', 'go back to what was saved, in seconds; what happened since is lost')
      .argument('<name>')
      .option('--yes', 'do not ask')
      .option('--dry-run', 'show what would be done')
      .addOption(json())
      .action(async (name, options) => exit(await (await run()).snapshotRestore(name, options))),
  );
  commands.addCommand(
    labCommand('delete', 'forget what was saved')
      .argument('<name>')
      .addOption(json())
      .action(async (name, options) => exit(await (await run()).snapshotDelete(name, options))),
  );
  return commands;
}

/** Runs the command line: what lab.ts calls. @returns the exit code */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const lab = program(argv[2], (ended) => {
    code = ended;
  });
  // commander ends the process for bad usage with 1; ours is 2.
  const overridden = (command: Command) => {
    command.exitOverride().configureOutput({ writeOut: tell, writeErr: warn });
    for (const child of command.commands) overridden(child);
  };
  overridden(lab);
  try {
    await lab.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof LabError)) throw error;
    warn(`lab: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`);
    return error.exitCode;
  } finally {
    await closeOpened();
  }
}

// What lab makes is the same whoever calls it; secrets have modes of their own.
process.umask(0o022);
