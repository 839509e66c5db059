import * as fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LabHosts } from '../../src/hosts/lab-hosts.ts';
import { endGuests } from '../../src/hosts/ssh.ts';
import { Unreachable } from '../../src/model/errors.ts';

/*
 * Looks at guests through a shell on dom0, which here is this machine, with an ssh(1) that runs the command itself. What a real one
 * does is in ssh.test.ts.
 */

const ssh = `#!/bin/sh
while [ $# -gt 1 ]; do
  case $1 in
  -S) socket=$2 ;;
  -O) rm -f "$socket"; exec kill "$(cat "$socket.pid")" ;;
  esac
  shift
done
echo "\${socket##*/}" >> "$LOG"
case $socket in
*/frozen) if [ -S "$socket" ]; then echo $$ > "$socket.pid"; exec sleep 600; fi ;;
*/gone) echo 'ssh: connect to host gone port 22: No route to host' >&2; exit 255 ;;
*/dies) if [ ! -e "$socket.died" ]; then : > "$socket.died"; sh -c "$1" | head -n 3; exit 255; fi ;;
esac
exec sh -c "$1"
`;

let directory: string;
let hosts: LabHosts;
const servers: Server[] = [];
const before = process.env.PATH;
const sockets = () => join(directory, 'run', 'guests.ssh');
const sessions = () => fs.readFileSync(join(directory, 'log'), 'utf8').split('\n').filter(Boolean);

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'lab-relay-'));
  fs.writeFileSync(join(directory, 'ssh'), ssh, { mode: 0o755 });
  fs.writeFileSync(join(directory, 'log'), '');
  process.env.PATH = `${directory}:${before}`;
  process.env.LOG = join(directory, 'log');
  const names = ['molly', 'frederick', 'frozen', 'gone', 'dies', 'slow'];
  const guests = new Map(names.map((name) => [name, { destination: `root@${name}` }]));
  hosts = new LabHosts({ dom0: 'local', keptGuests: sockets(), guests });
});
afterEach(async () => {
  await hosts.close();
  for (const server of servers.splice(0)) server.close();
  process.env.PATH = before;
  delete process.env.LOG;
  fs.rmSync(directory, { recursive: true, force: true });
});

/** A busy machine takes its time. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 60_000 });

const listen = (path: string) =>
  new Promise<void>((resolve) => {
    servers.push(createServer().listen(path, resolve));
  });

test('all that is asked of a guest at once is one session; bytes, exit codes and stderr come back as they are', async () => {
  const bytes = Buffer.from([...Array(256).keys(), 10, 0, 10]);
  fs.writeFileSync(join(directory, 'bytes'), bytes);
  const [molly, frederick] = [hosts.host('molly'), hosts.host('frederick')];
  const answers = await Promise.all([
    molly.readFile(join(directory, 'bytes')),
    molly.readFile(join(directory, 'none')),
    molly.read(['test', '-e', '/none']),
    molly.read(['stat', '/none']),
    frederick.readFile(join(directory, 'bytes')),
  ]);
  expect(answers).toMatchObject([bytes, undefined, { code: 1 }, { code: 1, stdout: '' }, bytes]);
  expect(answers[3]).toMatchObject({ stderr: expect.stringContaining('/none') });
  expect(sessions().sort()).toEqual(['frederick', 'molly']);
  expect([molly.roundTrips, frederick.roundTrips]).toEqual([1, 1]);
});

test('a guest that takes its time holds up no other', async () => {
  fs.writeFileSync(join(directory, 'here'), '');
  // It looks until the other has answered.
  const slow = hosts
    .host('slow')
    .read(['tail', '-n', '+1', '-f', '--pid', String(process.pid), join(directory, 'here')]);
  let ended = false;
  slow.then(
    () => (ended = true),
    () => (ended = true),
  );
  for (let n = 0; n < 3; n++) expect((await hosts.host('molly').read(['id', '-u'])).code).toBe(0);
  expect(ended).toBe(false);
  hosts.kill();
  await expect(slow).rejects.toThrow(Unreachable);
});

test('a guest that cannot be reached is told by what ssh said, and the others answer', async () => {
  const gone = hosts.host('gone').read(['id', '-u']);
  await expect(gone).rejects.toThrow(/No route to host/);
  await expect(gone).rejects.toMatchObject({ host: 'gone' });
  expect((await hosts.host('molly').read(['id', '-u'])).code).toBe(0);
  expect(sessions().filter((name) => name === 'gone')).toHaveLength(1);
});

test('a connection that breaks in the middle of the answers is made anew, once', async () => {
  expect((await hosts.host('dies').read(['id', '-u'])).code).toBe(0);
  expect(sessions()).toEqual(['dies', 'dies']);
});

test('a connection that stood, and says no word, is ended and made anew: its guest may have been fenced', async () => {
  fs.mkdirSync(sockets(), { recursive: true });
  await listen(join(sockets(), 'frozen'));
  expect((await hosts.host('frozen').read(['id', '-u'])).code).toBe(0);
  expect(sessions()).toEqual(['frozen', 'frozen']);
  expect(fs.existsSync(join(sockets(), 'frozen'))).toBe(false);
}, 60_000);

test('guests are connected to beforehand, unless a connection stands', async () => {
  fs.mkdirSync(sockets(), { recursive: true });
  await listen(join(sockets(), 'molly'));
  for (const name of ['molly', 'frederick']) hosts.warm(name);
  for (const name of ['molly', 'frederick']) expect((await hosts.host(name).read(['id', '-u'])).code).toBe(0);
  expect(sessions().sort()).toEqual(['frederick', 'frederick', 'molly']);
});

test('another command may end the connections meanwhile: what is being asked is asked anew', async () => {
  expect((await hosts.host('molly').read(['id', '-u'])).code).toBe(0);
  // Of a relay that was killed.
  fs.mkdirSync(join(sockets(), 'looks.4194305'));
  await listen(join(sockets(), 'frozen'));
  const frozen = hosts.host('frozen').read(['id', '-u']);
  await soon(sessions).toContain('frozen');
  await soon(() => fs.existsSync(join(sockets(), 'frozen.pid'))).toBe(true);
  expect(await endGuests('local', sockets())).toBe(true);
  expect((await frozen).code).toBe(0);
  expect(await endGuests('local', sockets())).toBe(false);
  fs.rmSync(join(sockets(), 'frozen.pid'));
  expect(fs.readdirSync(sockets())).toHaveLength(1);
  await hosts.close();
  await soon(() => fs.readdirSync(sockets())).toEqual([]);
  await endGuests('local', sockets());
  expect(fs.existsSync(join(directory, 'run'))).toBe(false);
}, 60_000);

test('nothing but the sockets is left, and a directory that cannot be made is no obstacle', async () => {
  await hosts.host('molly').read(['id', '-u']);
  await hosts.close();
  await soon(() => fs.readdirSync(sockets())).toEqual([]);
  const other = new LabHosts({
    dom0: 'local',
    keptGuests: join(directory, 'ssh', 'no-directory'),
    guests: new Map([['molly', { destination: 'root@molly' }]]),
  });
  expect((await other.host('molly').read(['id', '-u'])).code).toBe(0);
  await other.close();
});
