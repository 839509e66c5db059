import { type Change, file } from '../model/change.ts';
import { OfAnotherLab } from '../model/errors.ts';
import type { Reader } from '../model/host.ts';
import type { Step } from '../model/step.ts';
import { claimsOf, clashes, otherwise, readClaims } from '../spec/claims.ts';
import type { Lab } from '../spec/lab.ts';
import { claimsFile, dom0Paths, labsDirectory } from '../spec/paths.ts';
import { type Placed, textOf } from './file-content.ts';

/**
 * A lab writes down what it takes of its dom0, and takes nothing that another has written down. It looks again after it wrote:
 * of two that begin at once, at least one sees the other.
 * @throws OfAnotherLab (from the check) with the lines of lab.yaml to change
 */
export function claimed(placed: Placed, lab: Lab): Step {
  const path = dom0Paths(lab).claims;
  const own = claimsOf(lab);
  const text = `${JSON.stringify(own, null, 1)}\n`;
  return {
    kind: 'step',
    ...placed,
    async check({ host }): Promise<readonly Change[]> {
      const [others, before] = await Promise.all([claimsOfOthers(host, lab), host.readFile(path)]);
      const taken = Object.assign({}, ...others.values());
      for (const [name, theirs] of others) {
        const both = clashes(own, theirs);
        if (both.length === 0) continue;
        const hit = new Set(clashes(own, taken).map(([, topic]) => topic));
        throw new OfAnotherLab(
          `the lab ${name} of this dom0 has it already:\n${both.map(([what]) => `  ${what}`).join('\n')}`,
          [`in lab.yaml of ${lab.name}:`, ...otherwise(lab, hit, taken).map((line) => `  ${line}`)].join('\n'),
        );
      }
      return textOf(before) === text ? [] : [file(path, 0o644, text, before)];
    },
  };
}

async function claimsOfOthers(host: Reader, lab: Lab): Promise<ReadonlyMap<string, ReturnType<typeof readClaims>>> {
  const names = ((await host.list(labsDirectory)) ?? []).filter((name) => name !== lab.name);
  const texts = await Promise.all(names.map((name) => host.readFile(`${labsDirectory}/${name}/${claimsFile}`)));
  return new Map(names.map((name, n) => [name, readClaims(textOf(texts[n]))]));
}
