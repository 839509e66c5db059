import { createHash } from 'node:crypto';
import { command } from '../model/change.ts';
import type { Reader } from '../model/host.ts';
import { mustRun } from '../model/must-run.ts';
import type { Node, Trial } from '../model/step.ts';
import type { Lab, Storage } from '../spec/lab.ts';

/** A file of each guest on the shared file system, and what is in it. */
const proofOf = ({ directory }: Storage, name: string) => ({
  path: `${directory}/.cluster-lab-${name}`,
  text: `written by ${name}\n`,
});

/**
 * What each guest writes, all others read: so it is one file system, and not one on each. Nothing of it stays.
 * @param uuidOf what tells this file system from another one that is made later
 */
export function storageProof(
  lab: Lab,
  storage: Storage,
  after: readonly Node[],
  uuidOf: (host: Reader, device: string) => Promise<string | undefined>,
): Trial {
  const first = lab.guests[0]?.name ?? '';
  const files = lab.guests.map(({ name }) => ({ name, ...proofOf(storage, name) }));
  return {
    kind: 'trial',
    id: '10.proof',
    title: 'Write on each guest, read on the others',
    section: "That's it!",
    on: first,
    after,
    changes: files.map(({ name, path }) =>
      command(['cat', path], { why: `write ${path} on ${name}, read it on the others, remove it` }),
    ),
    async basis(look) {
      const uuid = await uuidOf(look.host, `/dev/${storage.disk.device}`);
      const basis = [storage.table, storage.directory, uuid, lab.guests.map((guest) => guest.uuid)];
      return createHash('sha256').update(JSON.stringify(basis)).digest('hex');
    },
    async run(host) {
      const transcript: string[] = [];
      for (const { name, path, text } of files) {
        await host(name).writeFile(path, Buffer.from(text), 0o600);
        transcript.push(`${name}# write ${path}: ${text.trim()}`);
      }
      for (const { name } of lab.guests) {
        // Asked together: they travel together.
        const read = await Promise.all(files.map(({ path }) => host(name).readFile(path)));
        for (const [n, { name: writer, path, text }] of files.entries()) {
          const bytes = read[n];
          const found = bytes && new TextDecoder().decode(bytes);
          transcript.push(`${name}# cat ${path}: ${found?.trim() ?? 'there is no such file'}`);
          if (found === text) continue;
          const says = `${name} does not see what ${writer} wrote to ${path}`;
          return {
            passed: false,
            layer: 'shared disk',
            says,
            hint: 'is it mounted on all of them? cat /proc/mounts',
            transcript,
          };
        }
      }
      await mustRun(host(first), ['rm', '-f', ...files.map(({ path }) => path)]);
      const says = `each of ${lab.guests.length} guests reads what the others wrote below ${storage.directory}`;
      return { passed: true, says, transcript };
    },
  };
}
