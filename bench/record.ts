import { openContext } from '../src/cli/context.ts';
import { dryRun } from '../src/engine/dry-run.ts';
import type { Argv, FileReader, HostName, Reader } from '../src/model/host.ts';
import { quote } from '../src/hosts/quote.ts';
import * as scripts from '../src/hosts/scriptlets.ts';

/*
 * What a run that changes nothing looks at, host by host, and what the simulated world answers. The benchmark of the no-op run
 * lets real sshd's give the same answers.
 * Usage: record LAB.YAML DIRECTORY
 */

interface Record {
  /** Commands, and what they print. */
  readonly commands: { argv: Argv; code: number; stdout: string; stderr: string }[];
  /** Files that were read, in base64: some are in no tree, such as /proc/mounts. */
  readonly files: { path: string; bytes: string }[];
  /** Disk images that were looked into. */
  readonly images: string[];
  /** The same looks as lines of sh, each once. */
  looks: readonly string[];
}

const recorded = new Map<HostName, Record & { readonly asked: scripts.Scriptlet<unknown>[] }>();

function recording(host: Reader): Reader {
  const record = recorded.get(host.name) ?? { commands: [], files: [], images: [], asked: [], looks: [] };
  recorded.set(host.name, record);
  const asked = <T>(scriptlet: scripts.Scriptlet<unknown>, answer: Promise<T>) => {
    record.asked.push(scriptlet);
    return answer;
  };
  const inside = (image: string): FileReader => {
    if (!record.images.includes(image)) record.images.push(image);
    const disk = host.disk(image);
    return {
      readFile: (path) => asked(scripts.diskFileScript(image, path), disk.readFile(path)),
      stat: (path) => asked(scripts.diskStatScript(image, path), disk.stat(path)),
      digest: (path) => asked(scripts.diskDigestScript(image, path), disk.digest(path)),
    };
  };
  return {
    name: host.name,
    async read(argv) {
      record.asked.push({ text: quote(argv), read: () => undefined });
      const ran = await host.read(argv);
      record.commands.push(ran);
      return ran;
    },
    async readFile(path) {
      const bytes = await asked(scripts.readFileScript(path), host.readFile(path));
      if (bytes) record.files.push({ path, bytes: Buffer.from(bytes).toString('base64') });
      return bytes;
    },
    stat: (path) => asked(scripts.statScript(path), host.stat(path)),
    digest: (path) => asked(scripts.digestScript(path), host.digest(path)),
    list: (path) => asked(scripts.listScript(path), host.list(path)),
    disk: inside,
  };
}

const [file, directory] = process.argv.slice(2);
const context = await openContext({ ...(file === undefined ? {} : { file }), host: `simulated:${directory}` });
const hosts = { ...context.hosts, warm: () => {}, host: (name: HostName) => recording(context.hosts.host(name)) };
const summary = await dryRun({
  ...context,
  chapters: await context.chapters(),
  lab: context.lab.name,
  where: '',
  hosts: hosts as unknown as typeof context.hosts,
  proofs: context.journal,
  emit: (event) => {
    if (event.event === 'step' && event.verdict !== 'met')
      console.error(event.id, event.verdict, event.failure?.message, JSON.stringify(event.changes).slice(0, 300));
  },
});
if (summary.changed + summary.later + summary.failed > 0) throw new Error('the world is not as the lab wants it');
for (const record of recorded.values()) record.looks = scripts.joined(record.asked).texts;
const hostsOut = Object.fromEntries([...recorded].map(([name, { asked: _, ...rest }]) => [name, rest]));
process.stdout.write(
  JSON.stringify({
    lab: context.lab.name,
    hosts: hostsOut,
    addresses: Object.fromEntries(context.lab.guests.map(({ name, address }) => [name, address])),
    dom0: context.lab.network.dom0Address,
  }),
);
