import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { down } from '../../../recipes/down.ts';
import { LabError } from '../../model/errors.ts';
import { sandboxPaths } from '../../sandbox/paths.ts';
import { runningPid } from '../../sandbox/qemu.ts';
import { sandboxDestroyed, sandboxDown } from '../../sandbox/stop.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
import { shellOn } from './guests.ts';
import { chosen, type RunChoices, runChapters } from '../run.ts';
import { tell } from '../output.ts';

type Options = Pick<WhichLab, 'file'> & RunChoices;

const open = ({ file }: Options): Promise<Context> =>
  openContext({ ...(file === undefined ? {} : { file }), host: 'sandbox' });

/** `lab sandbox up`: dom0 alone, without the chapters of the document. */
export async function sandboxUp(options: Options): Promise<number> {
  const context = await open(options);
  return runChapters(context, chosen(await context.chapters(), ['sandbox']), options, 'lab sandbox up');
}

/** `lab sandbox down`: the guests first, then dom0. */
export async function sandboxDownCommand(options: Options): Promise<number> {
  const context = await open(options);
  const running = (await runningPid(context.hosts.host('local'), sandboxPaths(context.lab.name))) !== undefined;
  const stop = sandboxDown(context.lab.name);
  const guests = down(context.lab);
  const chapters = running
    ? [guests, { ...stop, nodes: stop.nodes.map((node) => ({ ...node, after: guests.nodes })) }]
    : [stop];
  return runChapters(context, chapters, options, 'lab sandbox down');
}

/** `lab sandbox destroy`: guests and all; the images stay in the cache. */
export async function sandboxDestroyCommand(options: Options): Promise<number> {
  const context = await open(options);
  const code = await runChapters(
    context,
    [sandboxDestroyed(context.lab.name)],
    { ...options, yes: true },
    'lab sandbox destroy',
  );
  // What the journal proves, it proves of a lab that is gone.
  if (code === 0)
    for (const path of [context.journal.path, context.lock.path, `${context.lock.path}.work`])
      await rm(path, { force: true });
  if (code === 0) await rmdir(dirname(context.journal.path)).catch(() => {}); // other hosts of this lab may have a journal there
  return code;
}

/** `lab sandbox ssh [-- COMMAND…]`: dom0's own shell. */
export async function sandboxSsh(command: readonly string[], options: Options): Promise<number> {
  return shellOn(await open(options), 'dom0', command);
}

/** `lab sandbox status`: exit code 0 if it runs, 1 if not. */
export async function sandboxStatus(options: Options): Promise<number> {
  const context = await open(options);
  const paths = sandboxPaths(context.lab.name);
  const local = context.hosts.host('local');
  const [pid, port] = await Promise.all([runningPid(local, paths), local.readFile(paths.port)]);
  const status = {
    lab: context.lab.name,
    running: pid !== undefined,
    ...(pid === undefined
      ? {}
      : { pid, port: Number(new TextDecoder().decode(port)), answers: await answers(context) }),
    state: paths.state,
    serial: paths.serial,
    cache: paths.cache,
  };
  const text = Object.entries(status).map(([key, value]) => `${key.padEnd(8)} ${value}\n`);
  tell(options.json ? `${JSON.stringify(status)}\n` : text.join(''));
  return status.running ? 0 : 1;
}

async function answers({ hosts }: Context): Promise<boolean> {
  try {
    return (await hosts.host('dom0').read(['uname', '-n'])).code === 0;
  } catch (error) {
    if (error instanceof LabError) return false;
    throw error;
  }
}
