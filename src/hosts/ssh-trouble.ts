import { type LabError, NotTrusted, Unreachable } from '../model/errors.ts';

/**
 * Why ssh(1) ended before it did anything, by what it said. A host whose key changed is not waited for, nor asked again: either
 * it was installed anew, or somebody sits in between, and only a person can tell.
 * @param retry what to type to see it oneself
 */
export function sshTrouble(host: string, stderr: string, exitCode: number | undefined, retry?: string): LabError {
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/.test(stderr)) {
    const [, known] = /Offending .*key in (\S+)/.exec(stderr) ?? [];
    const [, shown] = /(SHA256:\S+?)\.?\s/.exec(stderr) ?? [];
    return new NotTrusted(
      `${host} shows another host key${shown ? ` (${shown})` : ''} than the one it is known by${known ? ` (${known})` : ''}: nothing was sent to it`,
      `if ${host} was installed anew, and only then: take the old key out (ssh-keygen -R) and put the new one in; otherwise somebody sits in between`,
    );
  }
  const unknown = /No \S+ host key is known for (\S+) and you have requested strict checking/.exec(stderr)?.[1];
  if (unknown !== undefined) {
    return new Unreachable(
      host,
      `no host key of ${unknown} is known, and lab trusts nobody because it answered first`,
      `connect by hand once and compare the fingerprint: ssh ${unknown}`,
    );
  }
  const why = stderr.trim().split('\n').slice(-3).join('; ');
  return new Unreachable(host, why || `ssh ended with exit code ${exitCode}`, retry);
}
